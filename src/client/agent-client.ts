import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import { FarmError } from "../core/error/farm-error.ts";
import type { BoardSpec } from "../core/schema/board.ts";
import type { AgentEvent } from "../core/wire/agent-event.ts";
import type { AgentInfo, BoardCheck } from "../core/wire/agent-info.ts";
import { artifactSegment } from "../core/wire/artifact.ts";
import type { AttemptSpecInput, AttemptStatus } from "../core/wire/attempt.ts";
import type { DesiredStateInput, InstanceStatus } from "../core/wire/desired-state.ts";
import { createConnection, type MessageListener, type TokenSource } from "./connection.ts";
import { type ForwardedChannels, guestChannels } from "./guest-channels.ts";
import { parseJsonLines } from "./ndjson.ts";
import type { ServerTrust } from "./server-trust.ts";

/** What can be done to a running guest. */
export type ControlAction = "reset" | "pause" | "resume" | "powerOn" | "powerOff";

/** Whose channels: an attempt or an instance. */
export type Guest = { readonly attempt: string } | { readonly instance: string };

export interface LogOptions {
  /** First byte; default 0. */
  readonly offset?: number;
  /** True stays until the guest's end; default false. */
  readonly isFollowed?: boolean;
  readonly signal?: AbortSignal;
}

export interface EventSelection {
  /** False leaves out attempts, which are none of the follower's business; default true. */
  readonly hasAttempts?: boolean;
}

/**
 * An agent, for those who drive it. Every call throws the FarmError that the agent answered, or AgentLost where no
 * agent answered.
 */
export interface AgentClient extends AsyncDisposable {
  readonly address: string;
  info(signal?: AbortSignal): Promise<AgentInfo>;
  checkBoard(boardName: string, board: BoardSpec, signal?: AbortSignal): Promise<BoardCheck>;
  /**
   * The agent's events, `hello` first. Ends when the signal aborts (by throwing its reason) or the agent goes away
   * (by throwing AgentLost); connecting again is the caller's business.
   */
  events(signal?: AbortSignal, what?: EventSelection): AsyncGenerator<AgentEvent>;
  /** @throws {FarmError} NoFreeSlot, AttemptConflict, StaleEpoch, Draining */
  putAttempt(id: string, spec: AttemptSpecInput, epoch?: number): Promise<AttemptStatus>;
  attempts(signal?: AbortSignal): Promise<AttemptStatus[]>;
  attempt(id: string): Promise<AttemptStatus>;
  cancelAttempt(id: string, reason: string): Promise<AttemptStatus>;
  /** The agent forgets these attempts with their logs. Unknown ids are fine. */
  acknowledge(ids: readonly string[]): Promise<void>;
  control(guest: Guest, action: ControlAction): Promise<void>;
  /** All channels of a guest, by their paths. */
  channels(guest: Guest): ForwardedChannels;
  /** Bytes of a UART's log. */
  log(guest: Guest, uart: string, options?: LogOptions): AsyncGenerator<Buffer>;
  /** A file that the test of a finished attempt has made. */
  artifact(attemptId: string, name: string): AsyncGenerator<Buffer>;
  /** Binary messages are bytes of the UART, both ways; text messages tell who writes, gaps and boots, as JSON. */
  openConsole(guest: Guest, uart: string, onMessage: MessageListener): Promise<WebSocket>;
  /** Text messages are QMP, both ways. */
  openQmp(guest: Guest, onMessage: MessageListener): Promise<WebSocket>;
  /** Gives out no slot for so long; 0: again from now on. What runs goes on. */
  cordon(forMs: number, signal?: AbortSignal): Promise<void>;
  putFirmware(sha256: string, bytes: Uint8Array | Readable): Promise<void>;
  /** @throws {FarmError} StaleGeneration, StaleEpoch, NoFreeSlot */
  putDesired(desired: DesiredStateInput, signal?: AbortSignal): Promise<InstanceStatus>;
  instances(signal?: AbortSignal): Promise<InstanceStatus[]>;
  deleteInstance(uid: string): Promise<void>;
  /** The agent shows this certificate from now on. @throws {FarmError} Conflict where it is not for the agent's key */
  putCertificate(certificate: string): Promise<void>;
}

export interface AgentClientOptions {
  /** `unix:/path`, `tcp:host:port` or `https://host:port`. */
  readonly address: string;
  readonly token: TokenSource;
  /** For an agent that speaks TLS. */
  readonly tls?: ServerTrust | undefined;
}

/** The agent writes at least an empty line each 15 s: a silence of this length means that it is gone or frozen. */
const EVENTS_SILENCE_MS = 45_000;

export function createAgentClient(options: AgentClientOptions): AgentClient {
  const { address } = options;
  const lost = (detail: string, cause: unknown) => new FarmError("AgentLost", { agent: address, detail }, { cause });
  const connection = createConnection({ address, token: options.token, tls: options.tls, lost });
  const { json, bytes } = connection;
  const signalled = (signal: AbortSignal | undefined) => (signal ? { signal } : {});
  return {
    address,
    info: (signal) => json({ method: "GET", path: "/v1/info", ...signalled(signal) }),
    checkBoard: (boardName, board, signal) =>
      json({
        method: "POST",
        path: "/v1/boards/check",
        body: { boardName, board },
        silenceMs: 120_000,
        ...signalled(signal),
      }),
    async *events(signal, { hasAttempts = true } = {}) {
      const path = hasAttempts ? "/v1/events" : "/v1/events?attempts=false";
      const call = { method: "GET", path, silenceMs: EVENTS_SILENCE_MS, ...signalled(signal) } as const;
      yield* parseJsonLines<AgentEvent>(bytes(call));
      throw lost("it ended its event stream", undefined);
    },
    putAttempt: (id, spec, epoch) =>
      json({
        method: "PUT",
        path: attemptPath(id),
        body: spec,
        ...(epoch !== undefined && { headers: { "emufarm-epoch": String(epoch) } }),
      }),
    attempts: (signal) => json({ method: "GET", path: "/v1/attempts", ...signalled(signal) }),
    attempt: (id) => json({ method: "GET", path: attemptPath(id) }),
    cancelAttempt: (id, reason) => json({ method: "POST", path: `${attemptPath(id)}/cancel`, body: { reason } }),
    acknowledge: (ids) => json({ method: "POST", path: "/v1/acknowledgements", body: { ids } }),
    control: (guest, action) => json({ method: "POST", path: `${guestPath(guest)}/control`, body: { action } }),
    channels: (guest) => guestChannels(connection, guestPath(guest)),
    log: (guest, uart, { offset = 0, isFollowed = false, signal } = {}) =>
      bytes({
        method: "GET",
        path: `${uartPath(guest, uart)}/log?offset=${offset}&follow=${isFollowed}`,
        // A guest may be silent as long as it likes.
        silenceMs: 0,
        ...signalled(signal),
      }),
    artifact: (id, name) => bytes({ method: "GET", path: `${attemptPath(id)}/artifacts/${artifactSegment(name)}` }),
    openConsole: (guest, uart, onMessage) => connection.webSocket(uartPath(guest, uart), onMessage),
    openQmp: (guest, onMessage) => connection.webSocket(`${guestPath(guest)}/qmp`, onMessage),
    cordon: (forMs, signal) => json({ method: "POST", path: "/v1/cordon", body: { forMs }, ...signalled(signal) }),
    putFirmware: async (sha256, image) => {
      await json({ method: "PUT", path: `/v1/firmware/${sha256}`, bytes: image });
    },
    putDesired: (desired, signal) => json({ method: "PUT", path: "/v1/desired", body: desired, ...signalled(signal) }),
    instances: (signal) => json({ method: "GET", path: "/v1/instances", ...signalled(signal) }),
    deleteInstance: (uid) => json({ method: "DELETE", path: `/v1/instances/${encodeURIComponent(uid)}` }),
    putCertificate: (certificate) => json({ method: "PUT", path: "/v1/certificate", body: { certificate } }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function attemptPath(id: string): string {
  return `/v1/attempts/${encodeURIComponent(id)}`;
}

function guestPath(guest: Guest): string {
  if ("attempt" in guest) return attemptPath(guest.attempt);
  return `/v1/instances/${encodeURIComponent(guest.instance)}`;
}

function uartPath(guest: Guest, uart: string): string {
  return `${guestPath(guest)}/uarts/${encodeURIComponent(uart)}`;
}
