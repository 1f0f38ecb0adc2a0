import type { ErrorBody } from "../../core/error/error-body.ts";
import { formatDuration } from "../../core/schema/duration.ts";
import type { AttemptResult, GuestExit, StepResult, TestCase } from "../../core/wire/attempt.ts";
import { clipped, type Paint, plainLine } from "./style.ts";

/** What is known about a job that did not pass. */
export interface Failure {
  readonly error: ErrorBody | undefined;
  readonly result: AttemptResult | undefined;
  /** Where all that the guest wrote can be read. */
  readonly fullLog: string | undefined;
  /** The command that does it once more. */
  readonly again: string | undefined;
}

const MOST_LINES = 10;
const MOST_CASES = 5;
const MOST_MESSAGE_LINES = 3;

/** All that helps to see why, on the spot: the step, what was expected, the last lines, the end, what to do next. */
export function describeFailure(failure: Failure, paint: Paint): string[] {
  const { result, error, fullLog, again } = failure;
  const facts: [string, string][] = [];
  if (error) facts.push(["why", messageText(error)]);
  const step = result?.steps.find(({ outcome }) => outcome === "failed" || outcome === "timedOut");
  if (step && result) facts.push(["step", stepText(step, result.steps.length)]);
  for (const testCase of failedCases(result).slice(0, MOST_CASES)) facts.push(["test", caseText(testCase)]);
  if (result?.exit) facts.push(["guest", exitText(untold(result.exit, error))]);
  if (result && isSilent(result)) facts.push(["uart", SILENT]);
  const lines = (result?.lastLines ?? []).map(plainLine).filter((line) => line !== "");
  const head = facts.map(([name, text]) => `  ${paint("dim", name.padEnd(6))}${text}`);
  const tail = [
    ...(fullLog === undefined ? [] : [`  ${paint("dim", "log   ")}${fullLog}`]),
    ...(again === undefined ? [] : [`  ${paint("dim", "again ")}${again}`]),
  ];
  const said = lines.slice(-MOST_LINES).map((line) => `  ${paint("dim", "    │ ")}${line}`);
  return [...head, ...said, ...tail];
}

/** An image for another board does nothing that anybody could see. */
const SILENT = "nothing came on any; is the image made for this board, and linked to where its memory is?";

function isSilent({ exit, logs }: AttemptResult): boolean {
  const isPuzzling = exit?.reason === "Stopped" || exit?.reason === "GuestCrashed" || exit?.reason === "ResetLoop";
  return isPuzzling && logs.length > 0 && logs.every(({ bytes }) => bytes === 0);
}

/** An emulator's last words may fill a screen: its first ones say it. */
function messageText({ message, code }: ErrorBody): string {
  const lines = message.split("\n").map(plainLine);
  const shown = lines.slice(0, MOST_MESSAGE_LINES).join("\n        ");
  return `${shown}${lines.length > MOST_MESSAGE_LINES ? " …" : ""} [${code}]`;
}

function failedCases(result: AttemptResult | undefined): TestCase[] {
  return result?.testCases.filter(({ outcome }) => outcome === "failed") ?? [];
}

function stepText({ index, title, outcome, durationMs }: StepResult, count: number): string {
  const how = outcome === "timedOut" ? "timed out" : "failed";
  const after = durationMs === undefined ? "" : ` after ${formatDuration(durationMs)}`;
  return `${index + 1} of ${count}, ${plainLine(title)}: ${how}${after}`;
}

function caseText({ suite, name, message, file, line }: TestCase): string {
  const place = file === undefined ? "" : ` (${file}${line === undefined ? "" : `:${line}`})`;
  return plainLine(`${suite}: ${name} failed${message === undefined ? "" : `: ${message}`}${place}`);
}

/** What the reason tells already is not told twice. */
function untold({ detail, ...exit }: GuestExit, error: ErrorBody | undefined): GuestExit {
  if (detail === undefined) return exit;
  const [firstLine = ""] = detail.trim().split("\n");
  return error?.message.includes(firstLine) ? exit : { ...exit, detail };
}

/** How the guest ended, in words. */
export function exitText({ reason, code, signal, detail }: GuestExit): string {
  const facts = [
    ...(code === undefined ? [] : [`code ${code}`]),
    ...(signal === undefined ? [] : [signal]),
    ...(detail === undefined || detail === "" ? [] : [clipped(plainLine(detail.trim().split("\n")[0] ?? ""), 100)]),
  ];
  return `${EXIT_WORDS[reason]}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}

const EXIT_WORDS: Record<GuestExit["reason"], string> = {
  GuestExited: "it ended itself",
  GuestShutdown: "it powered itself off",
  GuestReset: "it reset",
  ResetLoop: "it reset again and again",
  GuestCrashed: "it crashed",
  SandboxViolation: "it was ended by the sandbox",
  MemoryLimit: "its emulator needed too much memory",
  OutputLimit: "it wrote too much",
  Stopped: "it was still running, and was stopped",
  EmulatorRefused: "the emulator refused to start it",
  EmulatorKilled: "its emulator was killed from outside",
};
