import { expect, test } from "vitest";
import { FakeGuest, startScenario } from "./fake-guest.ts";

const path = "/machine/soc";

test("a property is set, then looked at", async () => {
  const guest = new FakeGuest();
  const steps = [{ property: { path, name: "level", set: 7, expect: 7 } }];
  expect(await startScenario(guest, { steps }).result).toMatchObject({ verdict: "passed" });
  expect(guest.calls).toEqual(["set /machine/soc level 7", "get /machine/soc level"]);
});

test("a property that is not as expected fails the step with what it is", async () => {
  const guest = new FakeGuest();
  guest.properties.set(`${path} level`, 3);
  const steps = [{ property: { path, name: "level", expect: 7 } }];
  const { verdict, error } = await startScenario(guest, { steps }).result;
  expect(verdict).toBe("failed");
  expect(error?.message).toContain("expected 7, but it is 3");
});

test("with a timeout it is looked at until it is as expected", async () => {
  const guest = new FakeGuest();
  guest.properties.set(`${path} level`, 3);
  guest.onCall = () => {
    if (guest.calls.length === 3) guest.properties.set(`${path} level`, 7);
  };
  const steps = [{ property: { path, name: "level", expect: 7 }, timeout: "30s" }];
  expect(await startScenario(guest, { steps }).result).toMatchObject({ verdict: "passed" });
  expect(guest.calls).toHaveLength(3);
});

test("of an object only what is given has to be so", async () => {
  const guest = new FakeGuest();
  guest.properties.set(`${path} state`, { running: true, since: 12 });
  const steps = [{ property: { path, name: "state", expect: { running: true } } }];
  expect(await startScenario(guest, { steps }).result).toMatchObject({ verdict: "passed" });
});

test("a guest that ends while its property is waited for ends the step", async () => {
  const guest = new FakeGuest();
  guest.onCall = () => guest.end({ reason: "GuestExited", code: 0 });
  const steps = [{ property: { path, name: "level", expect: 7 }, timeout: "30s" }];
  const { error } = await startScenario(guest, { steps }).result;
  expect(error?.code).toBe("UnexpectedExit");
});
