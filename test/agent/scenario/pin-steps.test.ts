import { expect, test } from "vitest";
import { FakeGuest, settled, startScenario } from "./fake-guest.ts";

test("set-pin drives a pin, for good or for a time", async () => {
  const guest = new FakeGuest();
  const run = startScenario(guest, {
    steps: [{ "set-pin": { pin: 4, value: 1 } }, { "set-pin": { name: "BUTTON", value: 0, for: "50ms" } }],
  });
  expect(await run.result).toMatchObject({ verdict: "passed" });
  expect(guest.calls).toEqual(["drive 4 1", "pulse BUTTON 0 50"]);
});

test("expect-pin looks once, and says what it found", async () => {
  const guest = new FakeGuest();
  guest.setPin("LED", 0);
  const { verdict, error } = await startScenario(guest, { steps: [{ "expect-pin": { name: "LED", value: 1 } }] })
    .result;
  expect([verdict, error?.message]).toEqual([
    "failed",
    'expect-pin {"name":"LED","value":1}: expected level 1, but it is 0.',
  ]);
});

test("expect-pin on a pin that nobody has driven says so", async () => {
  const steps = [{ "expect-pin": { pin: 3, value: 0 as const } }];
  const { error } = await startScenario(new FakeGuest(), { steps }).result;
  expect(error?.message).toBe('expect-pin {"pin":3,"value":0}: expected level 0, but the guest has not driven it yet.');
});

test("expect-pin with a timeout waits until the pin is so", async () => {
  const guest = new FakeGuest();
  const run = startScenario(guest, { steps: [{ "expect-pin": { pin: 3, value: 1 }, timeout: "10s" }] });
  await settled();
  guest.setPin(9, 1);
  guest.setPin(3, 0);
  await settled();
  expect(run.waitingFor()).toBe('step 1, expect-pin {"pin":3,"value":1}');
  guest.setPin(3, 1);
  expect(await run.result).toMatchObject({ verdict: "passed" });
});

test("expect-pin with a timeout ends in words", async () => {
  const steps = [{ "expect-pin": { pin: 3, value: 1 as const }, timeout: "20ms" }];
  const { verdict, error } = await startScenario(new FakeGuest(), { steps }).result;
  expect([verdict, error?.code]).toEqual(["timedOut", "StepTimeout"]);
});

test("a guest that ends while its pin is waited for fails the step", async () => {
  const guest = new FakeGuest();
  const run = startScenario(guest, { steps: [{ "expect-pin": { pin: 3, value: 1 }, timeout: "10s" }] });
  await settled();
  guest.end({ reason: "GuestExited", code: 0 });
  expect((await run.result).error?.code).toBe("UnexpectedExit");
});
