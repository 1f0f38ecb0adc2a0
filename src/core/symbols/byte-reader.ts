/** Reads numbers and texts from untrusted bytes. Whatever lies outside throws a RangeError; no read goes backwards. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittleEndian: boolean;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, isLittleEndian: boolean, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittleEndian = isLittleEndian;
    if (at < 0 || at > end || end > bytes.length) throw new RangeError(`${at} to ${end} of ${bytes.length} bytes`);
    this.#at = at;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  skip(bytes: number): void {
    if (!(bytes >= 0) || this.#at + bytes > this.#end) throw new RangeError(`${bytes} bytes at ${this.#at}`);
    this.#at += bytes;
  }

  u8(): number {
    this.skip(1);
    return this.#bytes[this.#at - 1] as number;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    this.skip(2);
    return this.#view.getUint16(this.#at - 2, this.#isLittleEndian);
  }

  u32(): number {
    this.skip(4);
    return this.#view.getUint32(this.#at - 4, this.#isLittleEndian);
  }

  /** A number beyond 2^53 loses digits, and is no address of a firmware. */
  u64(): number {
    this.skip(8);
    return Number(this.#view.getBigUint64(this.#at - 8, this.#isLittleEndian));
  }

  unsigned(bytes: number): number {
    if (bytes === 8) return this.u64();
    if (bytes === 4) return this.u32();
    if (bytes === 2) return this.u16();
    if (bytes === 1) return this.u8();
    throw new RangeError(`a number of ${bytes} bytes`);
  }

  /** LEB128 (DWARF 5, 7.6). */
  uleb(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return byte & 0x40 ? value - factor * 128 : value;
    }
  }

  /** Text up to a zero. */
  text(): string {
    const rest = this.#bytes.subarray(this.#at, this.#end);
    const length = rest.indexOf(0);
    if (length === -1) throw new RangeError("a text without an end");
    this.#at += length + 1;
    return new TextDecoder().decode(rest.subarray(0, length));
  }
}
