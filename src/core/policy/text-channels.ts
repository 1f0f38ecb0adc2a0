import type { BoardSpec } from "../schema/board.ts";
import type { Scenario } from "../schema/scenario.ts";

/** Name of the channel of what a guest says by semihosting. */
export const SEMIHOSTING_CHANNEL = "semihosting";

type TextBoard = Pick<BoardSpec, "uarts" | "semihosting">;

/** Channels of text of a board: its UARTs in their order, and behind them the console of its CPU's semihosting. */
export function textChannels(board: TextBoard): string[] {
  const uarts = board.uarts.map(({ name }) => name);
  return hasSemihostingChannel(board) ? [...uarts, SEMIHOSTING_CHANNEL] : uarts;
}

/** A UART of that name is what it says: the board then has no other channel of it. */
export function hasSemihostingChannel({ uarts, semihosting }: TextBoard): boolean {
  return semihosting && !uarts.some(({ name }) => name === SEMIHOSTING_CHANNEL);
}

/** True where a test or the wait for its firmware is about what the guest says by semihosting. */
export function usesSemihosting(scenario: Scenario | undefined, board: TextBoard & Pick<BoardSpec, "ready">): boolean {
  if (!hasSemihostingChannel(board)) return false;
  const named = scenario === undefined ? [] : channelsNamedIn(scenario).map(({ uart }) => uart);
  return [...named, board.ready?.uart].includes(SEMIHOSTING_CHANNEL);
}

/** A place of a scenario that names a channel of text. */
export interface NamedChannel {
  /** In words, such as `step 2 (wait-serial)`. */
  readonly what: string;
  readonly uart: string;
  /** Such as `steps.1.wait-serial.uart`. */
  readonly place: string;
}

/** All that a scenario names; a step without a name means the board's first UART. */
export function channelsNamedIn({ steps, fail, monitors }: Scenario): NamedChannel[] {
  const serialActions = ["wait-serial", "write-serial"] as const;
  return [
    ...steps.flatMap((step, index) =>
      serialActions.flatMap((action) =>
        named(step[action], `step ${index + 1} (${action})`, `steps.${index}.${action}`),
      ),
    ),
    ...fail.flatMap((one, index) => named(one, `fail pattern ${index + 1}`, `fail.${index}`)),
    ...monitors.flatMap((one, index) => named(one, `monitor ${index + 1}`, `monitors.${index}`)),
  ];
}

function named(value: unknown, what: string, place: string): NamedChannel[] {
  if (typeof value !== "object" || value === null || !("uart" in value)) return [];
  return typeof value.uart === "string" ? [{ what, uart: value.uart, place: `${place}.uart` }] : [];
}
