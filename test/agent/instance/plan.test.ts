import { expect, test } from "vitest";
import {
  boardKeyOf,
  firmwareKeyOf,
  type InstanceAction,
  type ObservedInstance,
  planInstance,
} from "../../../src/agent/instance/plan.ts";
import { type DesiredState, desiredState } from "../../../src/core/wire/desired-state.ts";
import { aBoard } from "../../gen/board.ts";

const board = aBoard({ endings: ["semihosting"], semihosting: true });

function desired(rest: Partial<DesiredState> = {}): DesiredState {
  const base = { uid: "u", tenant: "t", generation: 1, epoch: 1, boardName: "a-board", board, power: "On" };
  return desiredState.parse({ ...base, firmware: { sha256: "a".repeat(64) }, ...rest });
}

/** As desired, running. */
function running(wish: DesiredState, rest: Partial<ObservedInstance> = {}): ObservedInstance {
  return {
    boardKey: boardKeyOf(wish),
    firmwareKey: firmwareKeyOf(wish),
    isOn: true,
    isPaused: false,
    resetCount: 0,
    end: "none",
    isRestartDue: false,
    ...rest,
  };
}

const nothing: Partial<ObservedInstance> = { boardKey: undefined, firmwareKey: undefined, isOn: false };
const start: InstanceAction = { type: "start", isPaused: false, isRestart: false };
const restart: InstanceAction = { type: "start", isPaused: false, isRestart: true };
const load: InstanceAction = { type: "load" };
const build: InstanceAction = { type: "build" };
const stop: InstanceAction = { type: "stop" };
const otherFirmware = { firmware: { sha256: "b".repeat(64) } };

test.each<[string, Partial<DesiredState>, Partial<ObservedInstance>, InstanceAction[]]>([
  ["nothing where all is as desired", {}, {}, []],
  ["everything the first time", {}, nothing, [build, load, start]],
  ["a start with the CPU stopped", { isPaused: true }, nothing, [build, load, { ...start, isPaused: true }]],
  ["the board alone where it shall be off", { power: "Off" }, nothing, [build]],
  ["a stop", { power: "Off" }, {}, [stop]],
  ["nothing more where it is off", { power: "Off" }, { isOn: false }, []],
  ["a start where it was off", {}, { isOn: false }, [start]],
  ["new firmware in place", otherFirmware, { firmwareKey: "old" }, [stop, load, start]],
  [
    "new firmware only when it is switched on",
    { ...otherFirmware, power: "Off" },
    { firmwareKey: "old", isOn: false },
    [],
  ],
  [
    "another board as a whole",
    { channels: [{ name: "uart0", tcp: true }] },
    { boardKey: "old" },
    [stop, build, load, start],
  ],
  ["a reset", { resetCount: 2 }, { resetCount: 1 }, [{ type: "reset" }]],
  ["a pause", { isPaused: true }, {}, [{ type: "pause" }]],
  ["that it goes on", {}, { isPaused: true }, [{ type: "resume" }]],
  ["that a guest that ended stays ended", {}, { isOn: false, end: "failed" }, []],
  ["a start by a reset of a guest that ended", { resetCount: 1 }, { isOn: false, end: "failed" }, [start]],
  [
    "a start by new firmware of a guest that ended",
    otherFirmware,
    { isOn: false, end: "failed", firmwareKey: "old" },
    [load, start],
  ],
  [
    "to wait before a restart",
    { restartPolicy: "Always" },
    { isOn: false, end: "succeeded" },
    [{ type: "awaitRestart" }],
  ],
  [
    "a restart that is due",
    { restartPolicy: "Always" },
    { isOn: false, end: "succeeded", isRestartDue: true },
    [restart],
  ],
  [
    "no restart after success on failure only",
    { restartPolicy: "OnFailure" },
    { isOn: false, end: "succeeded", isRestartDue: true },
    [],
  ],
  [
    "a restart after failure",
    { restartPolicy: "OnFailure" },
    { isOn: false, end: "failed", isRestartDue: true },
    [restart],
  ],
])("plans %s", (_name, wish, observed, actions) => {
  expect(planInstance(desired(wish), running(desired(wish), observed))).toEqual(actions);
});
