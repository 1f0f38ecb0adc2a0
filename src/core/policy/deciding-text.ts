import type { BoardSpec } from "../schema/board.ts";
import type { Scenario } from "../schema/scenario.ts";
import { textChannels } from "./text-channels.ts";

/** A text that decides a test: once the guest has written it, the test has passed. */
export interface DecidingText {
  readonly text: string;
  /** The UART that it has to come from; undefined: any channel of text. */
  readonly uart?: string;
}

interface Test {
  readonly board: Pick<BoardSpec, "uarts" | "semihosting">;
  readonly scenario?: Scenario | undefined;
  readonly expectText?: string | undefined;
}

/**
 * The text that ends the test as soon as it is written, since nothing else is waited for. Undefined where more has to
 * come, or where what is waited for is no plain text.
 */
export function decidingText({ board, scenario, expectText }: Test): DecidingText | undefined {
  const { steps = [], monitors = [] } = scenario ?? {};
  if (monitors.length > 0) return undefined;
  const [step, ...others] = steps;
  if (expectText !== undefined) return step ? undefined : wellFormed({ text: expectText });
  const waited = others.length === 0 ? step?.["wait-serial"] : undefined;
  const { text, uart = textChannels(board)[0] } = typeof waited === "string" ? { text: waited } : (waited ?? {});
  return text === undefined || uart === undefined ? undefined : wellFormed({ text, uart });
}

/** Half a character cannot be written. */
function wellFormed(deciding: DecidingText): DecidingText | undefined {
  return deciding.text.isWellFormed() ? deciding : undefined;
}
