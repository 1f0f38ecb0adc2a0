import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import type { GuestPlace } from "./guest-places.ts";
import { endAs, MessageRelay } from "./message-relay.ts";

const NORMAL_CLOSURE = 1000;
const GOING_AWAY = 1001;
/** How a connection ends that nobody has closed (RFC 6455, 7.4.1). */
const ABNORMAL_CLOSURE = 1006;

/**
 * A WebSocket of a caller, joined to one of the agent. Each side waits for the other, early messages are kept, a slow
 * side pauses the other, and both end with the same words.
 */
export class ChannelSession {
  readonly #path: string;
  readonly #inward = new MessageRelay();
  readonly #outward = new MessageRelay();
  #upstream: WebSocket | undefined;
  #upstreamEnd: { readonly code: number; readonly reason: string } | undefined;
  #caller: WebSocket | undefined;
  #isCallerGone = false;
  /** The agent has that attempt no more: it has ended, and the job goes on elsewhere or is over. */
  #left: GuestPlace | undefined;

  /** @param path of the channel, behind the guest's */
  constructor(path: string) {
    this.#path = path;
  }

  /** Connects to the agent, unless that has the guest no more. @throws {FarmError} what the agent said; AgentLost */
  async open(place: GuestPlace): Promise<void> {
    const push = (data: Buffer, isText: boolean) => this.#outward.push(data, isText);
    let upstream: WebSocket;
    try {
      upstream = await place.agent.channels(place.guest).openWebSocket(this.#path, push);
    } catch (error) {
      if (!isOver(error)) throw error;
      this.#left = place;
      return;
    }
    this.#upstream = upstream;
    this.#outward.from(upstream);
    upstream.once("close", (code, reason) => this.#upstreamEnded(code, String(reason)));
    if (this.#isCallerGone) endAs(upstream, GOING_AWAY, "the caller has gone");
  }

  /** The caller's connection is there. What it sends before the guest begins is for the guest. */
  async join(
    caller: WebSocket,
    waitForPlace: (left: GuestPlace | undefined) => Promise<GuestPlace | undefined>,
  ): Promise<void> {
    this.#caller = caller;
    this.#inward.from(caller);
    caller.on("message", (data: Buffer, isBinary: boolean) => this.#inward.push(data, !isBinary));
    caller.once("close", (code: number, reason: Buffer) => this.#callerEnded(code, String(reason)));
    while (!this.#upstream) {
      const place = await waitForPlace(this.#left);
      if (this.#isCallerGone) return;
      if (!place) return endAs(caller, NORMAL_CLOSURE, "the job has finished");
      await this.open(place);
    }
    this.#inward.to(this.#upstream);
    this.#outward.to(caller);
    if (this.#upstreamEnd) endAs(caller, this.#upstreamEnd.code, this.#upstreamEnd.reason);
  }

  /** The caller's connection has ended, perhaps before it was a WebSocket. */
  connectionEnded(): void {
    if (!this.#caller) this.#callerEnded(ABNORMAL_CLOSURE, "");
  }

  #callerEnded(code: number, reason: string): void {
    this.#isCallerGone = true;
    const isLost = code === ABNORMAL_CLOSURE;
    if (this.#upstream) endAs(this.#upstream, isLost ? GOING_AWAY : code, isLost ? "the caller has gone" : reason);
  }

  #upstreamEnded(code: number, reason: string): void {
    const isLost = code === ABNORMAL_CLOSURE;
    this.#upstreamEnd = { code, reason: isLost ? "the agent was lost" : reason };
    if (this.#caller) endAs(this.#caller, code, this.#upstreamEnd.reason);
  }
}

/** An attempt that has ended has no channels any more. */
function isOver(error: unknown): boolean {
  return error instanceof FarmError && error.code === "NotFound" && error.details.kind === "running attempt";
}
