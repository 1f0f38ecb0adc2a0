import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import { formatDuration } from "../../core/schema/duration.ts";
import type { AttemptResult } from "../../core/wire/attempt.ts";
import type { BoardStatus, JobRecord } from "../../core/wire/farm.ts";
import { describeFailure, exitText } from "../screen/failure.ts";
import { type Paint, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";

/** A command about the same farm, from its words. */
export type FollowUp = (...words: string[]) => string;

/** What is known besides the record of a job that has not finished. */
export interface Unfinished {
  /** Since its run was submitted. */
  readonly elapsedMs: number;
  /** Its board as it stands here; undefined where it is gone. */
  readonly board: BoardStatus | undefined;
}

type Row = [string, string | undefined];

const STRATEGY_WORDS: Record<BootStrategyName, string> = {
  spawn: "a process of its own",
  spare: "a process that was started ahead",
  recycle: "a process that had served a guest before",
  snapshot: "a restored state",
  template: "a restored state, its memory shared",
};

/** All about a job, for people. */
export function jobText(job: JobRecord, unfinished: Unfinished | undefined, next: FollowUp, paint: Paint): string {
  const { verdict, spec } = job;
  const rows: Row[] = [
    ["job", job.id],
    ["name", plainLine(job.name)],
    ["run", job.runId],
    ["board", spec.board],
    ["firmware", `${spec.firmware.name ?? ""} ${spec.firmware.sha256}`.trim()],
    ["state", verdict ? stateText(verdict.verdict, verdict.isSkipped) : job.state],
    ["waiting", job.waiting && `place ${job.waiting.position + 1}: ${job.waiting.reason}`],
    ["expected", spec.expect?.verdict],
    ["attempt", verdict ? `${verdict.attempt}${verdict.isFlaky ? ", flaky" : ""}` : job.attempt?.toString()],
    ...(unfinished ? unfinishedRows(job, unfinished, next) : []),
    ...(verdict?.result ? resultRows(verdict.result) : []),
  ];
  const facts = textTable(rows.flatMap(([name, value]) => (value ? [[paint("dim", name), value]] : [])));
  if (!verdict || verdict.verdict === "passed") return facts;
  const { error, result } = verdict;
  const fullLog = result?.logs.some(({ bytes }) => bytes > 0) ? next("logs", job.id) : undefined;
  return `${facts}\n${describeFailure({ error, result, fullLog, again: undefined }, paint).join("\n")}\n`;
}

function stateText(verdict: keyof typeof VERDICT_WORDS, isSkipped: boolean): string {
  return isSkipped ? "skipped" : VERDICT_WORDS[verdict];
}

function unfinishedRows(job: JobRecord, { elapsedMs, board }: Unfinished, next: FollowUp): Row[] {
  const isRunning = job.state === "running";
  return [
    ["agent", job.agentId],
    ["emulator", board?.emulator && emulatorText(board.emulator)],
    ["submitted", `${formatDuration(elapsedMs)} ago`],
    ["deadline", `${job.spec.timeout} from its start`],
    ["watch", isRunning ? next("logs", job.id, "-f") : undefined],
    ["talk", isRunning ? next("console", job.id) : undefined],
    ["stop", next("cancel", job.id)],
  ];
}

function resultRows({ emulator, exit, timings, steps, testCases, logs, boots }: AttemptResult): Row[] {
  const strategy = emulator?.strategy;
  const times = boots > 1 ? `; ${boots} boots` : "";
  return [
    ["emulator", emulator && emulatorText(emulator)],
    ["started by", strategy && `${strategy}: ${STRATEGY_WORDS[strategy]}${times}`],
    ["guest", exit && exitText(exit)],
    ["took", `${(timings.totalMs / 1_000).toFixed(2)} s`],
    ["steps", steps.length > 0 ? stepsText(steps) : undefined],
    ["tests", testCases.length > 0 ? `${testCases.length} test cases` : undefined],
    ["logs", logs.map(({ uart, bytes }) => `${uart} ${bytes} bytes`).join(", ")],
  ];
}

function emulatorText(emulator: { binary: string; version: string; accelerator: string }): string {
  return `${emulator.binary} ${emulator.version}, ${emulator.accelerator}`;
}

function stepsText(steps: readonly { outcome: string }[]): string {
  return `${steps.filter(({ outcome }) => outcome === "passed").length} of ${steps.length} passed`;
}
