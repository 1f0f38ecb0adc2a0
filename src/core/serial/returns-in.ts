const CR = 0x0d;
const NUL = 0x00;

/**
 * Telnet without its binary option writes a carriage return as CR NUL (RFC 854): here the NUL is taken away again, and
 * CR LF stays what it is.
 */
export class ReturnsIn {
  #isAfterReturn = false;

  read(bytes: Uint8Array): Uint8Array {
    if (!this.#isAfterReturn && !bytes.includes(CR)) return bytes;
    const kept: number[] = [];
    for (const byte of bytes) {
      if (!(this.#isAfterReturn && byte === NUL)) kept.push(byte);
      this.#isAfterReturn = byte === CR;
    }
    return Uint8Array.from(kept);
  }
}
