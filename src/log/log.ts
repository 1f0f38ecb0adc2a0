import { type DestinationStream, destination, type Logger, pino } from "pino";

/** A structured log. Values first, then the words: `log.info({ attempt }, "attempt finished")`. */
export type Log = Logger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values under these keys are secrets, wherever they turn up in a line. */
const SECRET_KEYS = ["token", "authorization", "signature", "password", "secret", "urls"];

const REDACTED_PATHS = [
  ...SECRET_KEYS,
  ...SECRET_KEYS.map((key) => `*.${key}`),
  ...SECRET_KEYS.map((key) => `*.*.${key}`),
];

export interface LogOptions {
  /** Name of the process, in each line. */
  readonly name: string;
  readonly level?: LogLevel;
  /** Default: standard error, so that standard output stays with what people asked for. */
  readonly stream?: DestinationStream;
}

/**
 * The log of a process. Written at once and in order: what a process that is killed has said is there to be read.
 */
export function createLog(options: LogOptions): Log {
  return pino(
    {
      name: options.name,
      level: options.level ?? "info",
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED_PATHS, censor: "[redacted]" },
      formatters: { level: (label) => ({ level: label }) },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
}
