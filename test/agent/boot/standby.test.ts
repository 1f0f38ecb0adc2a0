import { expect, it } from "vitest";
import type { LiveEmulator } from "../../../src/agent/boot/live-emulator.ts";
import { Standby, type Waiting } from "../../../src/agent/boot/standby.ts";
import type { Slot } from "../../../src/agent/slot/slot.ts";

const WANTED = { tenant: "test", boardName: "board" };

/** An emulator that waits, and what became of it. */
function aSpare(key: string) {
  const spare = { isAlive: true, isKilled: false };
  const end = () => {
    spare.isAlive = false;
    spare.isKilled = true;
  };
  const live = {
    get isAlive() {
      return spare.isAlive;
    },
    rest() {},
    process: { kill: end },
    [Symbol.asyncDispose]: async () => end(),
  } as unknown as LiveEmulator;
  const waiting: Waiting = { live, key, boardName: "board", tenant: undefined };
  return { spare, waiting };
}

/** A slot in which the start of an emulator has begun, and goes on until the test lets it. */
async function startUnderWay(standby: Standby) {
  const slot = {} as Slot;
  const begun = Promise.withResolvers<void>();
  const launch = Promise.withResolvers<Waiting>();
  standby.keepLater(slot, 0, () => {
    begun.resolve();
    return launch.promise;
  });
  await begun.promise;
  return { slot, launch };
}

/** Settles after all that is due by now. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

it("a boot that takes a slot where the start of a spare is under way waits for that, and has it where it fits", async () => {
  await using standby = new Standby();
  const { slot, launch } = await startUnderWay(standby);
  let isTaken = false;
  const taken = standby.take(slot, { tenant: "test", key: "same" }).then((waiting) => {
    isTaken = true;
    return waiting;
  });
  await turn();
  expect(isTaken).toBe(false);
  const { spare, waiting } = aSpare("same");
  launch.resolve(waiting);
  expect(await taken).toBe(waiting);
  expect(spare.isAlive).toBe(true);
  expect(standby.rank(slot, WANTED)).toBe(1);
});

it.each([["another kind of boot", "other"] as const, ["a boot that takes none", undefined] as const])(
  "a spare whose start is under way does not come to wait beside %s, and is ended",
  async (_what, key) => {
    await using standby = new Standby();
    const { slot, launch } = await startUnderWay(standby);
    const taken = standby.take(slot, key === undefined ? undefined : { tenant: "test", key });
    const { spare, waiting } = aSpare("own");
    launch.resolve(waiting);
    expect(await taken).toBeUndefined();
    expect(spare.isKilled).toBe(true);
    await turn();
    expect(standby.rank(slot, WANTED)).toBe(1);
  },
);

it("an emulator that has run a tenant's guests is neither offered nor given to another tenant, and is ended first", async () => {
  await using standby = new Standby();
  const slot = {} as Slot;
  const { spare, waiting } = aSpare("same");
  standby.keep(slot, { ...waiting, tenant: "test" });
  expect(standby.rank(slot, WANTED)).toBe(2);
  expect(standby.rank(slot, { ...WANTED, tenant: "other" })).toBe(0);
  expect(await standby.take(slot, { tenant: "other", key: "same" })).toBeUndefined();
  expect(spare.isKilled).toBe(true);
  expect(standby.rank(slot, WANTED)).toBe(1);
});

it("an emulator that has run nobody's guests is for any tenant", async () => {
  await using standby = new Standby();
  const slot = {} as Slot;
  const { waiting } = aSpare("same");
  standby.keep(slot, waiting);
  for (const tenant of ["test", "other"]) expect(standby.rank(slot, { ...WANTED, tenant })).toBe(2);
  expect(await standby.take(slot, { tenant: "other", key: "same" })).toBe(waiting);
});

it("a start that fails holds nobody up", async () => {
  await using standby = new Standby();
  const { slot, launch } = await startUnderWay(standby);
  const taken = standby.take(slot, { tenant: "test", key: "own" });
  launch.reject(new Error("no memory"));
  expect(await taken).toBeUndefined();
});

it("the end waits for a start that is under way, and leaves no emulator of it", async () => {
  const standby = new Standby();
  const { launch } = await startUnderWay(standby);
  const ended = standby[Symbol.asyncDispose]();
  const { spare, waiting } = aSpare("own");
  launch.resolve(waiting);
  await ended;
  expect(spare.isKilled).toBe(true);
});
