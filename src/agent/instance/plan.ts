import type { DesiredState } from "../../core/wire/desired-state.ts";

/** What an instance is now. */
export interface ObservedInstance {
  /** What the board was built from; undefined before the first time. */
  readonly boardKey: string | undefined;
  /** Digest of the firmware that the board was last started with; undefined: none was loaded. */
  readonly firmwareKey: string | undefined;
  readonly isOn: boolean;
  readonly isPaused: boolean;
  /** The count of resets that has been carried out. */
  readonly resetCount: number;
  /** How the guest ended by itself since it was last started on demand. */
  readonly end: "none" | "succeeded" | "failed";
  /** A restart by policy has waited out its back-off. */
  readonly isRestartDue: boolean;
}

export type InstanceAction =
  | { readonly type: "stop" }
  /** Makes the board anew, with its channels: what it is has changed. */
  | { readonly type: "build" }
  | { readonly type: "load" }
  | { readonly type: "start"; readonly isPaused: boolean; readonly isRestart: boolean }
  | { readonly type: "reset" }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  /** The guest shall be started again, but not yet. */
  | { readonly type: "awaitRestart" };

/** Boards with the same key can be the same board. */
export function boardKeyOf({ boardName, board, channels }: DesiredState): string {
  return JSON.stringify([boardName, board, channels]);
}

export function firmwareKeyOf({ firmware }: DesiredState): string | undefined {
  return firmware && JSON.stringify(firmware);
}

/** What makes an instance as desired, in order. */
export function planInstance(desired: DesiredState, observed: ObservedInstance): InstanceAction[] {
  const isBoardNew = observed.boardKey !== boardKeyOf(desired);
  const isFirmwareNew = isBoardNew || observed.firmwareKey !== firmwareKeyOf(desired);
  const isReplaced = isBoardNew || (isFirmwareNew && desired.power === "On");
  const stop: InstanceAction[] = observed.isOn && (isReplaced || desired.power === "Off") ? [{ type: "stop" }] : [];
  const build: InstanceAction[] = isBoardNew ? [{ type: "build" }] : [];
  if (desired.power === "Off") return [...stop, ...build];
  if (isReplaced) return [...stop, ...build, { type: "load" }, start(desired, false)];
  return observed.isOn ? adjust(desired, observed) : startAgain(desired, observed);
}

function adjust(desired: DesiredState, observed: ObservedInstance): InstanceAction[] {
  const actions: InstanceAction[] = [];
  if (desired.resetCount !== observed.resetCount) actions.push({ type: "reset" });
  if (desired.isPaused !== observed.isPaused) actions.push({ type: desired.isPaused ? "pause" : "resume" });
  return actions;
}

function startAgain(desired: DesiredState, observed: ObservedInstance): InstanceAction[] {
  // A reset of a board whose guest has ended starts it, as on a real board.
  if (observed.end === "none" || desired.resetCount !== observed.resetCount) return [start(desired, false)];
  const { restartPolicy } = desired;
  const isRestarted = restartPolicy === "Always" || (restartPolicy === "OnFailure" && observed.end === "failed");
  if (!isRestarted) return [];
  return [observed.isRestartDue ? start(desired, true) : { type: "awaitRestart" }];
}

function start({ isPaused }: DesiredState, isRestart: boolean): InstanceAction {
  return { type: "start", isPaused, isRestart };
}
