const MAX_BYTES = 64 * 1024;

/** The last 64 KiB of what an emulator said on stderr. */
export class StderrTail {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    // Cut only now and then, so that a flood costs one copy for each 64 KiB.
    if (this.#bytes < 2 * MAX_BYTES) return;
    this.#chunks = [Buffer.concat(this.#chunks).subarray(-MAX_BYTES)];
    this.#bytes = MAX_BYTES;
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }

  toString(): string {
    return Buffer.concat(this.#chunks).subarray(-MAX_BYTES).toString("utf8");
  }
}
