import { FarmError } from "../core/error/farm-error.ts";
import type { QueueEvent } from "../core/wire/queue-event.ts";
import { createConnection } from "./connection.ts";
import { parseJsonLines } from "./ndjson.ts";

/** The farm's queue, for those who bring agents to where work is. */
export interface QueueClient extends AsyncDisposable {
  /**
   * How many jobs wait, at once and whenever that changes. Ends when the signal aborts (by throwing its reason) or the
   * farm goes away (by throwing FarmNotRunning); connecting again is the caller's business.
   */
  events(signal: AbortSignal): AsyncGenerator<QueueEvent>;
}

/** The farm writes at least an empty line each 15 s. */
const SILENCE_MS = 45_000;

export function createQueueClient({
  address,
  token,
}: {
  readonly address: string;
  readonly token: string;
}): QueueClient {
  const lost = (_detail: string, cause: unknown) =>
    new FarmError("FarmNotRunning", { address, start: "See whether its API runs." }, { cause });
  const connection = createConnection({ address, token, lost });
  return {
    async *events(signal) {
      const call = { method: "GET", path: "/v1/queue/events", silenceMs: SILENCE_MS, signal } as const;
      yield* parseJsonLines<QueueEvent>(connection.bytes(call));
      throw lost("it ended its event stream", undefined);
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}
