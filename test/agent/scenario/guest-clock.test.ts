import { describe, expect, test } from "vitest";
import { type ScenarioInput, scenario, usesGuestTime } from "../../../src/core/schema/scenario.ts";
import { FakeGuest, settled, startScenario } from "./fake-guest.ts";

const never = { "wait-serial": "never" };

describe("A timeout by the guest's clock", () => {
  test("of a step ends the step when the guest says so, and the result names the clock", async () => {
    const guest = new FakeGuest();
    const steps = [{ delay: "1ms" }, { ...never, timeout: "70ms", clock: "guest" as const }];
    const run = startScenario(guest, { steps }, { timeoutMultiplier: 10 });
    await expect.poll(() => [...guest.deadlines.keys()]).toEqual([70]);
    guest.deadlines.get(70)?.();
    const { error, steps: results } = await run.result;
    expect(error?.message).toBe('wait-serial "never": nothing of the kind came within 70ms (guest time).');
    expect(results.map(({ clock, outcome }) => [clock, outcome])).toEqual([
      ["wall", "passed"],
      ["guest", "timedOut"],
    ]);
    expect(guest.deadlines.size).toBe(0);
  });

  test("of a step is taken back when the step has passed", async () => {
    const guest = new FakeGuest();
    const run = startScenario(guest, { steps: [{ "wait-serial": "up", timeout: "70ms", clock: "guest" }, never] });
    await settled();
    guest.say("up");
    await settled();
    expect(guest.deadlines.size).toBe(0);
    guest.end({ reason: "GuestShutdown" });
    await run.result;
  });

  test("of the scenario holds through its steps", async () => {
    const guest = new FakeGuest();
    const run = startScenario(guest, { steps: [{ "wait-serial": "up" }, never], timeout: "90ms", clock: "guest" });
    guest.say("up");
    await settled();
    guest.deadlines.get(90)?.();
    expect((await run.result).error?.message).toBe(
      'The job was not done within 90ms (guest time): it was waiting for step 2, wait-serial "never".',
    );
    expect(guest.deadlines.size).toBe(0);
  });
});

test.each<[string, Omit<ScenarioInput, "version">, boolean]>([
  ["a step", { steps: [never, { ...never, timeout: "1s", clock: "guest" }] }, true],
  ["the scenario", { timeout: "1s", clock: "guest" }, true],
  ["the wall's clock", { steps: [{ ...never, timeout: "1s", clock: "wall" }], timeout: "1s" }, false],
])("guest time is asked for by %s: %j", (_whose, input, isUsed) => {
  expect(usesGuestTime(scenario.parse({ version: 1, ...input }))).toBe(isUsed);
});

test.each<[string, Omit<ScenarioInput, "version">]>([
  ["steps.0.clock", { steps: [{ ...never, clock: "guest" }] }],
  ["clock", { clock: "guest" }],
])("a clock without a timeout is refused: %s", (place, input) => {
  const { error } = scenario.safeParse({ version: 1, ...input });
  expect(error?.issues.map(({ path, message }) => [path.join("."), message])).toEqual([
    [place, "is that of a timeout, and there is none"],
  ]);
});
