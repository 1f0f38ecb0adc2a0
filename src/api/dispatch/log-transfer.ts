import { Readable } from "node:stream";
import { FarmError } from "../../core/error/farm-error.ts";
import type { AttemptResult, UartLog } from "../../core/wire/attempt.ts";
import type { Log } from "../../log/log.ts";
import type { Store } from "../store/store.ts";
import type { AgentLink } from "./agent-link.ts";

export interface LogTransfer {
  readonly jobId: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly result: AttemptResult;
  readonly link: AgentLink;
  /** True when the result becomes the verdict: the store then takes the short logs from there. */
  readonly isFinal: boolean;
}

/**
 * Brings the logs of a finished attempt into the store. An agent that is away is waited for; a log that has gone with
 * its agent is given up, since the verdict stands without it.
 * @throws {FarmError} StoreFull, StoreUnavailable
 */
export async function transferLogs(store: Store, log: Log, transfer: LogTransfer): Promise<void> {
  for (const uartLog of transfer.result.logs) {
    if (uartLog.keptBytes === 0) continue;
    if (uartLog.base64 === undefined) await fetchLog(store, log, { ...transfer, uart: uartLog.uart });
    else if (!transfer.isFinal) await store.writeLog(placeOf(transfer, uartLog), Buffer.from(uartLog.base64, "base64"));
  }
}

async function fetchLog(store: Store, log: Log, transfer: LogTransfer & { uart: string }): Promise<void> {
  const { link, attemptId, uart } = transfer;
  for (;;) {
    await link.untilKnown();
    try {
      const bytes = link.client.log({ attempt: attemptId }, uart);
      return await store.writeLog(placeOf(transfer, transfer), Readable.from(bytes, { objectMode: false }));
    } catch (error) {
      const { code } = FarmError.from(error);
      if (code === "StoreFull" || code === "StoreUnavailable") throw error;
      if (code === "AgentLost" && !link.isLost) {
        // It is away or restarting: when it is back, the log is fetched from the start.
        link.refresh();
        continue;
      }
      // The agent no longer has it. The verdict counts all the same, with the last lines that came with it.
      log.error({ err: error, attemptId, uart }, "a log could not be fetched from the agent");
      return;
    }
  }
}

function placeOf(transfer: { jobId: string; attempt: number }, { uart }: Pick<UartLog, "uart">) {
  return { jobId: transfer.jobId, attempt: transfer.attempt, uart };
}
