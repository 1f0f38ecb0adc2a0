import { FarmError } from "../../core/error/farm-error.ts";
import { type GpioLine, GpioLines, lineInWords } from "../../core/gpio/gpio-line.ts";
import type { GpioRequestInput, GpioState } from "../../core/wire/gpio.ts";
import { openTarget } from "../channel/open-target.ts";
import type { Target } from "../channel/target.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { painter } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { Surroundings } from "../surroundings.ts";
import { watch } from "./watch.ts";

export interface GpioOptions extends JsonOptions {
  readonly duration?: string;
  readonly level?: string;
  /** Changes after which watching ends. */
  readonly count?: number;
  readonly coalesce?: string;
}

/** Drivers set levels; emulated pins have no third one. */
const NO_RELEASE = "a line that is driven cannot be let go of, only be set to the level that it has by itself";

/** `emufarm gpio TARGET list|watch|set|pulse`: the lines of a running board. */
export async function gpio(
  surroundings: Surroundings,
  name: string,
  action: string,
  words: readonly string[],
  options: GpioOptions,
): Promise<number> {
  const perform = ACTIONS[action];
  if (!perform) {
    const why = /^(release|unset|clear|free)$/.test(action) ? `: ${NO_RELEASE}` : "";
    throw new FarmError("InvalidRequest", { problems: `gpio knows list, watch, set and pulse, not ${action}${why}` });
  }
  await using target = await openTarget(surroundings, name, options);
  const { name: board, spec } = await target.board();
  if (!spec.gpio) {
    const problem = "none of its pins can be reached; emufarm describe BOARD tells what a board has";
    throw new FarmError("NotSupportedByBoard", { what: "GPIO", board, problem });
  }
  return await perform(surroundings, target, new GpioLines(board, spec.gpio), words, options);
}

type Perform = (
  surroundings: Surroundings,
  target: Target,
  lines: GpioLines,
  words: readonly string[],
  options: GpioOptions,
) => Promise<number>;

const ACTIONS: Readonly<Record<string, Perform>> = { list, watch, set, pulse };

async function list(
  { stdout, env }: Surroundings,
  target: Target,
  lines: GpioLines,
  words: readonly string[],
  { json }: GpioOptions,
): Promise<number> {
  const asked = new Set(words.map((word) => lines.find(word).number));
  const state = await target.request<GpioState>({ method: "GET", path: "gpio" });
  const shown = state.lines.filter(({ number }) => asked.size === 0 || asked.has(number));
  if (json) stdout.write(jsonText({ ...state, lines: shown }));
  else stdout.write(listText({ ...state, lines: shown }, lines, asked.size > 0, painter(stdout, env)));
  return EXIT.passed;
}

/** The lines that people call by a name and those that are in use; the others by their number. */
function listText(
  { lines, isConnected }: GpioState,
  known: GpioLines,
  isEach: boolean,
  paint: ReturnType<typeof painter>,
): string {
  const used = lines.filter(
    ({ line, name, level, driven }) => isEach || line !== name || level === 1 || driven !== null,
  );
  const rows = used.map(({ line, name, number, level, driven }) => [
    paint("bold", line),
    line === name ? "" : name,
    String(number),
    level === null ? "?" : level === 1 ? paint("green", "high") : "low",
    driven === null ? "" : `driven ${driven === 1 ? "high" : "low"}`,
    known.at(number)?.description ?? "",
  ]);
  const others = lines.length - used.length;
  const rest =
    others === 0 ? "" : paint("dim", `and ${others} more lines, which are low or not known; --json has all\n`);
  const off = isConnected ? "" : paint("dim", "The board is off.\n");
  return `${textTable(rows)}${rest}${off}`;
}

async function set(
  { stdout }: Surroundings,
  target: Target,
  lines: GpioLines,
  [name, level]: readonly string[],
  { json }: GpioOptions,
): Promise<number> {
  const line = lines.find(needed(name, "a line"));
  const request: GpioRequestInput = { type: "set", line: line.number, level: levelOf(needed(level, "a level")) };
  await target.request({ method: "POST", path: "gpio", body: request });
  if (json) stdout.write(jsonText(request));
  else {
    const rivalry = (await isGuestDriven(target, line))
      ? "; the guest drives it, too, and each change by either is seen"
      : "";
    stdout.write(`${lineInWords(line)} is driven ${wordOf(request.level)}${rivalry}\n`);
  }
  return EXIT.passed;
}

async function isGuestDriven(target: Target, { number }: GpioLine): Promise<boolean> {
  const { lines } = await target.request<GpioState>({ method: "GET", path: "gpio" });
  return lines.find((line) => line.number === number)?.isGuestDriven ?? false;
}

async function pulse(
  { stdout }: Surroundings,
  target: Target,
  lines: GpioLines,
  [name]: readonly string[],
  { json, level, duration = "100ms" }: GpioOptions,
): Promise<number> {
  const line = lines.find(needed(name, "a line"));
  const request = {
    type: "pulse",
    line: line.number,
    level: level === undefined ? activeLevel(line) : levelOf(level),
    duration,
  } as const satisfies GpioRequestInput;
  await target.request({ method: "POST", path: "gpio", body: request });
  stdout.write(json ? jsonText(request) : `${lineInWords(line)} is driven ${wordOf(request.level)} for ${duration}\n`);
  return EXIT.passed;
}

/** A button that idles high is pressed by a low pulse. */
function activeLevel({ idle }: GpioLine): 0 | 1 {
  return idle === 1 ? 0 : 1;
}

function levelOf(word: string): 0 | 1 {
  if (["1", "high"].includes(word)) return 1;
  if (["0", "low"].includes(word)) return 0;
  throw new FarmError("InvalidRequest", { problems: `a level is 0 or 1 (low or high), not ${word}` });
}

function wordOf(level: 0 | 1): string {
  return level === 1 ? "high" : "low";
}

function needed(word: string | undefined, what: string): string {
  if (word !== undefined) return word;
  throw new FarmError("InvalidRequest", { problems: `${what} is missing; such as set LED1 1, or pulse BUTTON` });
}
