/**
 * The unfinished part of a stream, in one piece: a stream that comes byte by byte costs no more than its bytes, and time
 * by their number.
 */
export class HeldBytes {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#view());
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = length;
  }

  /** What is held, until it is next pushed to. */
  peek(): Uint8Array<ArrayBuffer> {
    return this.#view();
  }

  /** What was held, which is the caller's now. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#view();
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }

  #view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }
}
