import { setTimeout as delay } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ScenarioStep } from "../../core/schema/scenario.ts";
import type { ExpectedPicture, TakeScreenshot } from "../../core/schema/screenshot-step.ts";
import { artifactNameOf } from "../../core/wire/artifact.ts";
import { comparePictures, type PictureDifference } from "../display/compare-pictures.ts";
import { whileAlive } from "./living-guest.ts";
import type { StepContext } from "./step-actions.ts";
import { stepInWords } from "./step-title.ts";

/** No event tells that a display has changed. */
const LOOK_AGAIN_MS = 200;
const PNG_TYPE = "image/png";
const DEFAULT_NAME = "screenshot.png";

/**
 * Takes a picture of the display and keeps it: once, or with a timeout until it is as expected. Where it is not, what
 * was expected and what differs lie beside it.
 */
export async function takeScreenshot(step: ScenarioStep, context: StepContext): Promise<void> {
  const wanted = step["take-screenshot"];
  if (wanted === undefined) return;
  const { guest, progress } = context;
  const expected = wanted["compare-with"];
  for (;;) {
    const picture = await whileAlive(step, context, () => guest.screenshot());
    const outcome = expected === undefined ? undefined : judge(picture, expected, wanted);
    const isLast = outcome?.problem === undefined || step.timeout === undefined;
    keep(context, wanted, picture, outcome);
    if (isLast && outcome?.problem !== undefined) {
      const words = { expected: `the display like ${outcome.name}`, actual: outcome.problem };
      throw new FarmError("ExpectationNotMet", { step: stepInWords(step), ...words });
    }
    if (isLast) return;
    await progress.race(delay(LOOK_AGAIN_MS, undefined, { signal: progress.signal }));
  }
}

interface Judgement {
  readonly name: string;
  readonly expected: Buffer;
  readonly difference: PictureDifference;
  /** Undefined where the picture is like enough. */
  readonly problem: string | undefined;
}

function judge(picture: Buffer, source: ExpectedPicture, { tolerance }: TakeScreenshot): Judgement {
  // A path alone was refused before the start: the picture itself has to travel.
  const { name, base64 } = typeof source === "string" ? { name: source, base64: "" } : source;
  const expected = Buffer.from(base64, "base64");
  const difference = comparePictures(picture, expected);
  const { share, points, sizes } = difference;
  if (share <= tolerance && sizes === undefined) return { name, expected, difference, problem: undefined };
  const percent = `${(share * 100).toPrecision(3)} %`;
  const differs = sizes ?? `${points} points differ, ${percent} (tolerance ${tolerance * 100} %)`;
  return { name, expected, difference, problem: differs };
}

/** What differs is kept as long as something does. */
function keep(
  { guest: { artifacts } }: StepContext,
  wanted: TakeScreenshot,
  picture: Buffer,
  outcome: Judgement | undefined,
): void {
  const name = artifactNameOf(wanted["save-to"] ?? DEFAULT_NAME);
  const problem = outcome?.problem;
  if (wanted["save-to"] !== undefined || outcome === undefined || problem !== undefined) {
    artifacts.write(name, PNG_TYPE, picture);
  }
  if (outcome === undefined || problem === undefined) return;
  const beside = (word: string) => name.replace(/(\.png)?$/i, `.${word}.png`);
  artifacts.write(beside("expected"), PNG_TYPE, outcome.expected);
  if (outcome.difference.picture) artifacts.write(beside("difference"), PNG_TYPE, outcome.difference.picture);
}
