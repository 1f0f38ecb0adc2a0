import type { Socket } from "node:net";
import { answerFileRequest, consoleWriteOf, type FileRequest, readFileRequest } from "../../core/gdb/file-request.ts";
import {
  bytesOfHex,
  framePayload,
  GdbDecoder,
  type GdbElement,
  GdbPacketTooLarge,
  hexOf,
  payloadText,
} from "../../core/gdb/gdb-packet.ts";
import { readGdbRequest } from "../../core/gdb/gdb-request.ts";
import type { MemoryRange, StandingMemory } from "../../core/gdb/standing-memory.ts";
import { DebuggerLine, type GdbTransport } from "./debugger-line.ts";
import { MemoryWriter, type WriteStep } from "./memory-writer.ts";

export interface GdbSessionEvents {
  /** A line of `monitor`; settles with the text of its answer. */
  onMonitor(command: string): Promise<string>;
  /** The debugger kills its program. */
  onKill(): void;
  /** The debugger's connection has ended, from whichever side; told once. */
  onEnd(): void;
}

/** The stub takes packets of 4 KiB; this leaves room for what is escaped. */
const MAX_REQUEST_BYTES = 64 * 1024;
/** So does it answer. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** A debugger waits for each answer; one that does not is no debugger. */
const MAX_QUEUED_REQUESTS = 64;
/**
 * A stub drops the first byte of a packet where the CPU runs, and stops it. Where somebody else had let it run, the
 * packet is sent again after so long.
 */
const LOST_PACKET_MS = 200;
/** How long a stub may take to say what is left when its debugger has gone. */
const PARTING_MS = 2_000;

const INTERRUPT = Uint8Array.of(0x03);
const LETTER_F = 0x46;
const LETTER_O = 0x4f;
const NO_ACK_FEATURE = ";QStartNoAckMode+";

type Packet = Extract<GdbElement, { type: "packet" }>;
/** What the stub's next packet answers. */
type Awaited = "nothing" | "answer" | "memory" | "written" | "features" | "stop" | "own";

/** A read of memory that is answered from a larger one. */
interface MemoryRead {
  readonly frame: Uint8Array;
  readonly range: MemoryRange;
  readonly block: MemoryRange;
}

/** One debugger and the stub that was made for it: packets are passed on one at a time, and those that may be. */
export class GdbSession {
  readonly #debugger: DebuggerLine;
  readonly #events: GdbSessionEvents;
  readonly #memory: StandingMemory;
  readonly #fromClient = new GdbDecoder(MAX_REQUEST_BYTES);
  readonly #fromStub = new GdbDecoder(MAX_ANSWER_BYTES);
  #queue: Packet[] = [];
  #stub: Socket | undefined;
  #awaited: Awaited = "nothing";
  #read: MemoryRead | undefined;
  readonly #writer = new MemoryWriter();
  #isBusy = false;
  #ownAnswer: ((payload: Uint8Array | undefined) => void) | undefined;
  /** Ctrl-C came while the program's own call was answered. */
  #isInterruptDue = false;
  #isEnded = false;
  #hasSpoken = false;
  #wasRunning = false;
  /** The debugger has said goodbye: none of its breakpoints is left. */
  #hasDetached = false;
  #lastRequest: Uint8Array | undefined;
  #lostPacket: NodeJS.Timeout | undefined;

  constructor(transport: GdbTransport, events: GdbSessionEvents, memory: StandingMemory) {
    this.#memory = memory;
    this.#debugger = new DebuggerLine(transport, () => this.end("the debugger does not read"));
    this.#events = events;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** It has sent a packet: a debugger, and no browser gone astray. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** The debugger has let the CPU run, and waits for it. */
  get isRunning(): boolean {
    return this.#awaited === "stop";
  }

  /** The debugger was waiting for its running CPU when it went. */
  get wasRunning(): boolean {
    return this.#wasRunning;
  }

  /** The stub is there: what the debugger has said so far goes on. */
  plugIn(stub: Socket): void {
    this.#stub = stub;
    stub.on("data", (chunk: Buffer) => this.#receiveFromStub(chunk));
    this.#pump();
  }

  /** Bytes of the debugger, in any chunks. */
  receive(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    try {
      for (const element of this.#fromClient.decode(chunk)) if (!this.#isEnded) this.#take(element);
    } catch (error) {
      if (!(error instanceof GdbPacketTooLarge)) throw error;
      this.end(error.message);
    }
  }

  /** The debugger's connection has ended. */
  closed(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#debugger.closed();
    this.#queue = [];
    this.#events.onEnd();
  }

  /** Ends the debugger's connection. */
  end(reason: string): void {
    if (this.#isEnded) return;
    this.closed();
    this.#debugger.close(reason);
  }

  /** The program has ended: told where the debugger waits for it. */
  exited(code: number): void {
    if (this.isRunning) this.#debugger.answer(framePayload(`W${hexOf(Uint8Array.of(code & 0xff))}`));
    this.end("the guest has ended");
  }

  /** The CPU was stopped, by whomever. */
  noteStop(): void {
    if (this.#awaited === "nothing" || this.#awaited === "stop" || this.#awaited === "own") return;
    clearTimeout(this.#lostPacket);
    this.#lostPacket = setTimeout(() => this.#sendAgain(), LOST_PACKET_MS);
  }

  /** Stops the CPU where it runs, and takes every breakpoint away, which QEMU's stub does with the question why it stands. */
  async takeBack(): Promise<void> {
    clearTimeout(this.#lostPacket);
    if (this.#hasDetached || !this.#stub) return;
    this.#wasRunning = this.isRunning;
    if (this.#wasRunning) await this.#exchange(INTERRUPT);
    await this.#exchange(framePayload("?"));
  }

  #take(element: GdbElement): void {
    switch (element.type) {
      case "ack":
        break;
      case "nak":
        this.#debugger.answerAgain();
        break;
      case "broken":
        this.#debugger.acknowledge(false);
        break;
      case "break":
        if (this.isRunning) this.#stub?.write(INTERRUPT);
        else this.#isInterruptDue = this.#awaited === "own";
        break;
      case "packet":
        this.#hasSpoken = true;
        this.#debugger.acknowledge(true);
        this.#queue.push(element);
        if (this.#queue.length > MAX_QUEUED_REQUESTS) this.end("too many packets at once");
        else this.#pump();
        break;
    }
  }

  /** Carries out what waits, up to the first packet that has to be waited for. */
  #pump(): void {
    while (!this.#isBusy && !this.#isEnded && this.#stub) {
      const packet = this.#queue.shift();
      if (!packet) return;
      this.#isBusy = true;
      this.#carryOut(packet);
    }
  }

  #carryOut(packet: Packet): void {
    const { frame, payload } = packet;
    const request = readGdbRequest(payload);
    if (!(request.type === "read" || (request.type === "forward" && request.onlyAsks))) this.#memory.forget();
    switch (request.type) {
      case "read":
        this.#readMemory(frame, request.range);
        break;
      case "forward":
        this.#hasDetached = payload[0] === 0x44;
        this.#ask(frame, "answer");
        break;
      case "write":
        this.#writeMemory(this.#writer.begin(packet));
        break;
      case "features":
        this.#ask(frame, "features");
        break;
      case "resume":
        this.#hasDetached = false;
        this.#ask(frame, "stop");
        break;
      case "noAcknowledgement":
        this.#finish(framePayload("OK"));
        this.#debugger.stopAcknowledging();
        break;
      case "answer":
        this.#finish(framePayload(request.payload));
        break;
      case "monitor":
        void this.#monitor(request.command);
        break;
      case "kill":
        if (request.wantsAnswer) this.#debugger.answer(framePayload("OK"));
        this.#events.onKill();
        this.end("the debugger has killed its program");
        break;
    }
  }

  #readMemory(frame: Uint8Array, range: MemoryRange): void {
    const known = this.#memory.read(range);
    if (known !== undefined) {
      this.#finish(framePayload(known));
      return;
    }
    const block = this.#memory.blockAround(range);
    if (block) {
      this.#read = { frame, range, block };
      this.#ask(framePayload(`m${block.address.toString(16)},${block.bytes.toString(16)}`), "memory");
    } else {
      this.#ask(frame, "answer");
    }
  }

  /** Where the block cannot be read whole, the part that was asked for may. */
  #takeMemory({ frame, range, block }: MemoryRead, payload: Uint8Array): void {
    this.#memory.keep(block, payloadText(payload));
    const known = this.#memory.read(range);
    if (known === undefined) this.#ask(frame, "answer");
    else this.#finish(framePayload(known));
  }

  /** What is lost where the CPU runs is the first packet's beginning: that one is sent again, and no other. */
  #writeMemory(step: WriteStep): void {
    if ("answer" in step) {
      this.#awaited = "nothing";
      this.#finish(step.answer);
      return;
    }
    const [first, ...others] = step.frames;
    if (first) this.#ask(first, "written");
    for (const frame of others) this.#stub?.write(frame);
  }

  async #monitor(command: string): Promise<void> {
    const text = await this.#events.onMonitor(command).catch((error: Error) => `emufarm: ${error.message}\n`);
    if (this.#isEnded) return;
    this.#debugger.tell(Buffer.from(text));
    this.#finish(framePayload("OK"));
  }

  #ask(frame: Uint8Array, awaited: Awaited): void {
    this.#awaited = awaited;
    this.#lastRequest = frame;
    this.#stub?.write(frame);
  }

  #finish(answer: Uint8Array): void {
    this.#isBusy = false;
    this.#debugger.answer(answer);
  }

  #sendAgain(): void {
    if (this.#awaited === "nothing" || !this.#lastRequest) return;
    this.#stub?.write(this.#lastRequest);
  }

  #receiveFromStub(chunk: Uint8Array): void {
    let elements: GdbElement[];
    try {
      elements = this.#fromStub.decode(chunk);
    } catch {
      // No stub answers so much: a guest has taken its emulator over.
      this.#stub?.destroy();
      this.end("the emulator no longer speaks GDB's protocol");
      return;
    }
    for (const element of elements) {
      if (element.type === "packet") this.#takeAnswer(element);
      else if (element.type === "nak") this.#sendAgain();
    }
    this.#pump();
  }

  #takeAnswer(packet: Packet): void {
    const { frame, payload } = packet;
    const awaited = this.#awaited;
    // Nobody has asked for it: the CPU was stopped by somebody else while it stood for us.
    if (awaited === "nothing") return;
    if (awaited === "stop" && payload[0] === LETTER_F) {
      const request = readFileRequest(payloadText(payload, 256));
      void this.#answerFile(request);
      return;
    }
    if (awaited === "stop" && payload[0] === LETTER_O && payload.length !== 2) {
      this.#debugger.passText(frame);
      return;
    }
    clearTimeout(this.#lostPacket);
    if (awaited === "written") {
      const step = this.#writer.take(packet);
      if (step) this.#writeMemory(step);
      return;
    }
    this.#awaited = "nothing";
    if (awaited === "own") this.#ownAnswer?.(payload);
    else if (awaited === "memory" && this.#read) this.#takeMemory(this.#read, payload);
    else if (awaited === "features") this.#finish(framePayload(payloadText(payload) + NO_ACK_FEATURE));
    else this.#finish(frame);
  }

  /** The program's semihosting: it gets its console, and nothing of any machine's files. */
  async #answerFile(request: FileRequest | undefined): Promise<void> {
    const write = request && consoleWriteOf(request);
    const said = write && (await this.#exchange(framePayload(`m${write.address},${write.bytes.toString(16)}`)));
    const text = said && bytesOfHex(payloadText(said));
    if (text) this.#debugger.tellProgram(text);
    this.#awaited = "stop";
    this.#stub?.write(framePayload(request ? answerFileRequest(request) : "F-1,d"));
    if (this.#isInterruptDue) this.#stub?.write(INTERRUPT);
    this.#isInterruptDue = false;
  }

  /** A question of our own; undefined where the stub does not answer. */
  #exchange(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    if (!this.#stub || this.#stub.destroyed) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const timer = setTimeout(() => resolve(undefined), PARTING_MS);
    this.#stub.once("close", () => resolve(undefined));
    this.#awaited = "own";
    this.#ownAnswer = resolve;
    this.#stub.write(bytes);
    return promise.finally(() => clearTimeout(timer));
  }
}
