import { framePayload, type GdbElement, payloadText } from "../../core/gdb/gdb-packet.ts";
import { splitBinaryWrite } from "../../core/gdb/memory-write.ts";

type Packet = Extract<GdbElement, { type: "packet" }>;

/** What comes next of a write: packets for the stub, which answers each, or the answer for the debugger. */
export type WriteStep = { readonly frames: readonly Uint8Array[] } | { readonly answer: Uint8Array };

/** Binary writes of memory (`X`), one at a time: as they come to a stub that knows them, in packets `M` to another. */
export class MemoryWriter {
  /** Of the stub; not known before its first. */
  #knowsBinary: boolean | undefined;
  #payload: Uint8Array = new Uint8Array();
  #unanswered = 0;
  /** The first answer that is an error. */
  #refusal: Uint8Array | undefined;

  begin({ frame, payload }: Packet): WriteStep {
    this.#payload = payload;
    return this.#knowsBinary === false ? this.#split() : this.#ask([frame]);
  }

  /** An answer of the stub; undefined while there are more to come. */
  take({ frame, payload }: Packet): WriteStep | undefined {
    if (this.#knowsBinary === undefined) {
      // To what it does not know a stub answers with nothing.
      this.#knowsBinary = payload.length > 0;
      if (!this.#knowsBinary) return this.#split();
    }
    if (payloadText(payload) !== "OK") this.#refusal ??= frame;
    this.#unanswered -= 1;
    return this.#unanswered === 0 ? { answer: this.#refusal ?? frame } : undefined;
  }

  #split(): WriteStep {
    const frames = splitBinaryWrite(this.#payload);
    if (!frames) return { answer: framePayload("E22") };
    // One of nothing asks whether there are such writes.
    return frames.length === 0 ? { answer: framePayload("OK") } : this.#ask(frames);
  }

  #ask(frames: readonly Uint8Array[]): WriteStep {
    this.#unanswered = frames.length;
    this.#refusal = undefined;
    return { frames };
  }
}
