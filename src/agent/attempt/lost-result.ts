import { FarmError } from "../../core/error/farm-error.ts";
import { verdictOfError } from "../../core/policy/verdict-of-error.ts";
import { type AttemptResult, INLINE_LOG_BYTES, type UartLog } from "../../core/wire/attempt.ts";
import { LOG_PART_BYTES } from "../uart/uart-log.ts";
import { closedLogSize, readClosedLog } from "./closed-log.ts";
import type { SpooledAttempt } from "./spool.ts";

const LAST_LINES = 20;
const LAST_BYTES = 8 * 1024;

/** What became of an attempt that ran when its agent was killed: the farm's fault, with the log as far as it came. */
export async function lostResult(attempt: SpooledAttempt, logFolder: string, agentId: string): Promise<AttemptResult> {
  const error = new FarmError("AgentLost", { agent: agentId, detail: "it was killed while the attempt ran" });
  const logs = await Promise.all(attempt.uarts.map((uart) => leftLog(uart, `${logFolder}/${uart}.log`)));
  const [console] = attempt.uarts;
  return {
    verdict: verdictOfError(error),
    error: error.toBody(),
    exit: { reason: "EmulatorKilled" },
    steps: [],
    testCases: [],
    logs,
    lastLines: console === undefined ? [] : await lastLines(`${logFolder}/${console}.log`, logs[0]?.bytes ?? 0),
    resets: 0,
    boots: 1,
    startedAt: attempt.startedAt,
    timings: { totalMs: 0 },
  };
}

async function leftLog(uart: string, path: string): Promise<UartLog> {
  const { bytes, keptBytes } = await closedLogSize(path, LOG_PART_BYTES);
  if (bytes > INLINE_LOG_BYTES) return { uart, bytes, keptBytes };
  return { uart, bytes, keptBytes, base64: (await readFrom(path, 0)).toString("base64") };
}

async function lastLines(path: string, bytes: number): Promise<string[]> {
  const text = (await readFrom(path, Math.max(0, bytes - LAST_BYTES))).toString("utf8");
  return text.trimEnd().split(/\r?\n/).slice(-LAST_LINES);
}

async function readFrom(path: string, offset: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readClosedLog(path, LOG_PART_BYTES, offset)) pieces.push(piece);
  return Buffer.concat(pieces);
}
