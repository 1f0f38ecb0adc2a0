import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardStatus, JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import { followUp } from "../farm/follow-up.ts";
import { describeFailure, exitText } from "../screen/failure.ts";
import { type Paint, painter, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { Surroundings } from "../surroundings.ts";
import { VERDICT_WORDS } from "../test/run-state.ts";
import { type JsonOptions, jsonText } from "./json-option.ts";

const JOB_ID = /^r[0-9a-z]{12,24}-\d{6}$/;
const RUN_ID = /^r[0-9a-z]{12,24}$/;

/** A command about the same farm, from its words. */
type FollowUp = (...words: string[]) => string;

/** `emufarm describe`: all that is known about a job, a run or a board. */
export async function describe(surroundings: Surroundings, what: string, options: JsonOptions): Promise<number> {
  const { stdout, env } = surroundings;
  const paint = painter(stdout, env);
  await using farm = await connectFarm(surroundings, options);
  const next: FollowUp = (...words) => followUp(surroundings, options, words);
  stdout.write(await descriptionOf(farm, what, options.json === true, paint, next));
  return EXIT.passed;
}

async function descriptionOf(
  farm: FarmClient,
  what: string,
  isJson: boolean,
  paint: Paint,
  next: FollowUp,
): Promise<string> {
  if (JOB_ID.test(what)) {
    const job = await farm.job(what);
    return isJson ? jsonText(job) : jobText(job, paint, next);
  }
  if (RUN_ID.test(what)) {
    const run = await farm.run(what);
    return isJson ? jsonText(run) : runText(run, next);
  }
  const board = await farm.board(what).catch((error: unknown) => {
    if (!(error instanceof FarmError) || error.code !== "UnknownBoard") throw error;
    const hint = ` It is no id of a run or job either.${error.details.hint}`;
    throw new FarmError("UnknownBoard", { board: what, hint }, { cause: error });
  });
  return isJson ? jsonText(board) : boardText(board);
}

function jobText(job: JobRecord, paint: Paint, next: FollowUp): string {
  const { verdict, spec } = job;
  const result = verdict?.result;
  const rows: [string, string | undefined][] = [
    ["job", job.id],
    ["name", plainLine(job.name)],
    ["run", job.runId],
    ["board", spec.board],
    ["firmware", `${spec.firmware.name ?? ""} ${spec.firmware.sha256}`.trim()],
    ["state", verdict ? VERDICT_WORDS[verdict.verdict] : job.state],
    ["waiting", job.waiting && `place ${job.waiting.position + 1}: ${job.waiting.reason}`],
    ["expected", spec.expect?.verdict],
    ["attempt", verdict ? `${verdict.attempt}${verdict.isFlaky ? ", flaky" : ""}` : job.attempt?.toString()],
    [
      "emulator",
      result?.emulator && `${result.emulator.binary} ${result.emulator.version}, ${result.emulator.accelerator}`,
    ],
    ["guest", result?.exit && exitText(result.exit)],
    ["took", result && `${(result.timings.totalMs / 1_000).toFixed(2)} s`],
    ["steps", result && result.steps.length > 0 ? stepsText(result.steps) : undefined],
    ["tests", result && result.testCases.length > 0 ? `${result.testCases.length} test cases` : undefined],
    ["logs", result?.logs.map(({ uart, bytes }) => `${uart} ${bytes} bytes`).join(", ")],
  ];
  const facts = textTable(rows.flatMap(([name, value]) => (value ? [[paint("dim", name), value]] : [])));
  if (!verdict || verdict.verdict === "passed") return facts;
  const why = describeFailure({ error: verdict.error, result, fullLog: next("logs", job.id), again: undefined }, paint);
  return `${facts}\n${why.join("\n")}\n`;
}

function stepsText(steps: readonly { outcome: string }[]): string {
  return `${steps.filter(({ outcome }) => outcome === "passed").length} of ${steps.length} passed`;
}

function runText(run: RunRecord, next: FollowUp): string {
  const { totals } = run;
  const finished = totals.total - totals.waiting - totals.running;
  const counts: [number, string][] = [
    [totals.waiting, "waiting"],
    [totals.running, "running"],
    ...Object.entries(totals.verdicts).map(([name, count]): [number, string] => [count, name]),
  ];
  const standing = counts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return textTable([
    ["run", run.id],
    ["name", plainLine(run.name)],
    ["created", run.createdAt],
    ["finished", run.finishedAt ?? "not yet"],
    ["outcome", run.isCancelled ? "cancelled" : run.outcome],
    ["jobs", `${totals.total}: ${standing.join(", ")}`],
    [
      "",
      `${finished - totals.unexpected - totals.skipped} as expected, ${totals.unexpected} not, ${totals.skipped} skipped, ${totals.flaky} flaky`,
    ],
    ["list", next("get", run.id)],
  ]);
}

function boardText({ name, spec, isAvailable, emulator, error }: BoardStatus): string {
  return textTable([
    ["board", name],
    ["title", spec.title],
    ...(spec.description === undefined ? [] : [["what", spec.description]]),
    ["here", isAvailable ? `can run on ${emulator?.binary} ${emulator?.version}` : (error?.message ?? "not available")],
    ["machine", `${spec.emulator.machine} (${spec.architecture}, ${spec.memory.ramMiB} MiB)`],
    ["uarts", spec.uarts.map((uart) => uart.name).join(", ")],
    ["firmware", spec.firmware.formats.join(", ")],
    ["endings", spec.endings.join(", ")],
  ]);
}
