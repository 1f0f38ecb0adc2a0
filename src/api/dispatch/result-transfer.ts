import { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { Store } from "../store/store.ts";
import type { AgentLink } from "./agent-link.ts";

export interface Transfer {
  readonly jobId: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly result: AttemptResult;
  readonly link: AgentLink;
  /** True when the result becomes the verdict: the store then takes the short logs from there. */
  readonly isFinal: boolean;
}

/** True where a result comes with all that is to be stored of it. */
export function isWhole({ logs, artifacts = [] }: AttemptResult): boolean {
  return artifacts.length === 0 && logs.every((one) => one.base64 !== undefined || one.keptBytes === 0);
}

/**
 * Brings the logs of a finished attempt into the store, and the files that its test made where its result becomes the
 * verdict, which lists them. An agent that is away is waited for; what has gone with its agent is given up, since the
 * verdict stands without it.
 * @throws {FarmError} StoreFull, StoreUnavailable
 */
export async function transferResult(store: Store, log: Log, transfer: Transfer): Promise<void> {
  const { jobId, attempt, attemptId, result, link, isFinal } = transfer;
  const from = { attempt: attemptId };
  for (const { uart, keptBytes, base64 } of result.logs) {
    const place = { jobId, attempt, uart };
    if (keptBytes === 0) continue;
    if (base64 === undefined) {
      await fetchWhole(transfer, log, uart, () => store.writeLog(place, readableOf(link.client.log(from, uart))));
    } else if (!isFinal) {
      await store.writeLog(place, Buffer.from(base64, "base64"));
    }
  }
  if (!isFinal) return;
  for (const { name } of result.artifacts ?? []) {
    const write = () =>
      store.writeArtifact({ jobId, attempt, name }, readableOf(link.client.artifact(attemptId, name)));
    await fetchWhole(transfer, log, name, write);
  }
}

async function fetchWhole(
  { link, attemptId }: Transfer,
  log: Log,
  name: string,
  write: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await link.untilKnown();
    try {
      return await write();
    } catch (error) {
      const { code } = FarmError.from(error);
      if (code === "StoreFull" || code === "StoreUnavailable") throw error;
      if (code === "AgentLost" && !link.isLost) {
        // It is away or restarting: when it is back, it is fetched from the start.
        link.refresh();
        continue;
      }
      // The agent no longer has it. The verdict counts all the same, with the last lines that came with it.
      log.error({ err: error, attemptId, name }, "a log or artifact could not be fetched from the agent");
      return;
    }
  }
}

function readableOf(bytes: AsyncIterable<Buffer>): Readable {
  return Readable.from(bytes, { objectMode: false });
}
