import { expect, it } from "vitest";
import { ReadyWait } from "../../../src/agent/attempt/ready-wait.ts";

const READY = { uart: "uart0", pattern: "login: $" };

it("tells what the start waits for, and for how long", () => {
  let nowMs = 100;
  const wait = new ReadyWait(READY, () => nowMs);
  expect(wait.describeStart()).toBe("the emulator's start");
  wait.setStart("another guest");
  nowMs += 2_500;
  expect(wait.describeStart()).toBe("another guest, for 2.5s");
  wait.setStart(undefined);
  expect(wait.describeStart()).toBe("the emulator's start");
});

it("tells of a pattern that has not come from a guest that runs, and of nothing else", () => {
  let nowMs = 0;
  const wait = new ReadyWait(READY, () => nowMs);
  expect(wait.describeMissing()).toBe("");
  nowMs = 1_000;
  wait.begin();
  nowMs = 5_000;
  expect(wait.describeMissing()).toBe('; its ready pattern "login: $" on uart0 had not come in 4s');
  wait.end();
  expect(wait.describeMissing()).toBe("");
  const without = new ReadyWait(undefined, () => nowMs);
  without.begin();
  expect(without.describeMissing()).toBe("");
});
