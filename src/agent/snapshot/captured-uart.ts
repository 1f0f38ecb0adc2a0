import type { Socket } from "node:net";
import type { UartPort } from "../uart/uart-port.ts";

/** Output that a restored guest is shown to have written; the first part of a longer one is left out. */
const KEPT_BYTES = 256 * 1024;

/** A UART of the boot that a snapshot is made from: its output is kept, and shown again with each restored guest. */
export class CapturedUart implements UartPort {
  readonly name: string;
  readonly #listeners = new Set<(chunk: Buffer) => void>();
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(name: string) {
    this.name = name;
  }

  get output(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-KEPT_BYTES);
  }

  onData(listener: (chunk: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  attach(socket: Socket): () => void {
    const onData = (chunk: Buffer) => this.replay(chunk);
    socket.on("data", onData);
    return () => socket.off("data", onData);
  }

  replay(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > 2 * KEPT_BYTES) {
      this.#chunks = [this.output];
      this.#bytes = KEPT_BYTES;
    }
    for (const listener of this.#listeners) listener(chunk);
  }
}
