import { describe, expect, test } from "vitest";
import { gpioAbilities } from "../../../src/agent/gpio/gpio-driver.ts";
import { boardOf, OURS, type PinGuest, PinLab, STOCK } from "./pin-lab.ts";

/** A board that cannot do it has nothing to show. */
const testOf = (isAble: boolean) => (name: string, body: () => Promise<void>) => {
  if (isAble) test(name, body);
};

/** A board with pins, and lines of it that nothing else of the board is connected to. */
export interface PinBoard {
  readonly board: string;
  /** An output, and one of another port where there is one. */
  readonly outputs: readonly [string, ...string[]];
  /** An input of the first output's port. */
  readonly input: string;
}

/** What a board's driver declares, each claim on a real board: the same for every driver and emulator. */
export function testGpio({ board, outputs, input }: PinBoard, emulator: "stock" | "ours"): void {
  const isFarmEmulator = emulator === "ours";
  const { gpio } = boardOf(board);
  if (!gpio) throw new Error(`${board} has no pins`);
  const abilities = gpioAbilities(gpio, { isFarmEmulator });
  const searchPath = isFarmEmulator ? [OURS ?? ""] : STOCK;
  const open = (options: { strategy?: "spawn" | "spare" | "recycle"; isWanted?: boolean } = {}) =>
    PinLab.open({ board, searchPath, wanted: [outputs[0]], ...options });
  const numberOf = (lab: PinLab, name: string) => lab.bank.lines.find(name).number;
  const seesEdges = abilities.observes === "edges";
  /** A shim is told as anybody who writes to a UART tells it, and tells so: it hears when it listens, and begins in silence. */
  const isShim = gpio.driver === "line";
  const atBegin = isShim ? undefined : 0;
  /** Of these changes, those that are seen by somebody who asks at their end. */
  const seenOf = (...levels: number[]) => (seesEdges ? levels : levels.slice(-1));
  /** What the guest reads, once it has heard of it. */
  const reads = async (guest: PinGuest, pin: number, level: number) => {
    if (isShim) await expect.poll(() => guest.ask(`r ${pin}`), { timeout: 30_000 }).toBe(level);
    else expect(await guest.ask(`r ${pin}`)).toBe(level);
  };

  test("declares what it can do", async () => {
    await using lab = await open();
    await lab.boot();
    expect(lab.bank.abilities).toEqual(abilities);
  });

  testOf(abilities.observes === "levels")("tells the level of an output when it is asked", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const [name] = outputs;
    const out = numberOf(lab, name);
    await guest.ask(`o ${out}`);
    for (const level of [0, 1, 0, 1]) {
      await guest.ask(`w ${out} ${level}`);
      expect(await lab.bank.read(name)).toBe(level);
    }
    expect(lab.seen(out)).toEqual([0, 1, 0, 1]);
  });

  testOf(seesEdges)("tells every change of an output, once, in order, and no other", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const [name] = outputs;
    const out = numberOf(lab, name);
    await guest.ask(`o ${out}`);
    expect(lab.bank.level(out)).toBe(atBegin);
    await guest.ask(`t ${out} 7`);
    expect(await lab.bank.read(name)).toBe(1);
    expect(lab.seen(out)).toEqual([1, 0, 1, 0, 1, 0, 1]);
  });

  testOf(seesEdges)("its times rise, and are the guest's own where it says so", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const out = numberOf(lab, outputs[0]);
    await guest.ask(`o ${out}`);
    await guest.ask(`k ${out} 4 20000`);
    await lab.bank.read(out);
    const times = lab.edges.filter(({ line }) => line === out).map(({ timeNs }) => timeNs);
    expect(times).toEqual([...times].sort((left, right) => left - right));
    if (!abilities.timestamps) return;
    expect(new Set(times).size).toBe(times.length);
    expect(times[0]).toBeGreaterThan(0);
  });

  test("watches all ports at once where it says so", async () => {
    const others = outputs.slice(1);
    if (others.length === 0 || abilities.ports !== "all") return;
    await using lab = await open();
    const guest = await lab.boot();
    for (const name of outputs) {
      await guest.ask(`o ${numberOf(lab, name)}`);
      await guest.ask(`w ${numberOf(lab, name)} 1`);
      expect([name, await lab.bank.read(name)]).toEqual([name, 1]);
    }
  });

  testOf(abilities.drives)("drives an input, which the guest reads", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const pin = numberOf(lab, input);
    await guest.ask(`i ${pin}`);
    for (const level of [1, 0, 1] as const) {
      await lab.bank.drive(input, level);
      await reads(guest, pin, level);
      expect([lab.bank.level(pin), lab.bank.driven(pin)]).toEqual([level, level]);
    }
    expect(lab.seen(pin, "outside")).toEqual([1, 0, 1]);
  });

  testOf(abilities.drives)("an input that is driven is answered by an output", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const [pin, out] = [numberOf(lab, input), numberOf(lab, outputs[0])];
    await guest.ask(`i ${pin}`);
    await guest.ask(`o ${out}`);
    await guest.ask(`m ${pin} ${out}`);
    for (const level of [1, 0, 1, 0] as const) {
      await lab.bank.drive(input, level);
      const answer = () => (seesEdges ? lab.bank.level(out) : lab.bank.read(out));
      await expect.poll(answer, { interval: 1, timeout: 30_000 }).toBe(level);
    }
  });

  testOf(abilities.drives)("a pulse is a press that the guest debounces", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const pin = numberOf(lab, input);
    await guest.ask(`i ${pin}`);
    await lab.bank.drive(input, 1);
    await guest.ask(`d ${pin}`);
    await lab.bank.pulse(input, 0, 1_000);
    await guest.uart.until("p 1\n");
    await expect.poll(() => lab.bank.driven(pin), { timeout: 30_000 }).toBe(1);
  });

  testOf(abilities.raisesInterrupts)("an input that is driven interrupts the guest, at each edge", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const pin = numberOf(lab, input);
    await guest.ask(`i ${pin}`);
    expect(await guest.ask(`e ${pin}`)).toBe(1);
    const before = await guest.ask("c");
    for (const level of [1, 0, 1, 0, 1, 0] as const) {
      await lab.bank.drive(input, level);
      await reads(guest, pin, level);
    }
    expect((await guest.ask("c")) - before).toBe(6);
  });

  test("a reset lowers what the guest had raised, and leaves what is driven from outside", async () => {
    await using lab = await open();
    const guest = await lab.boot();
    const [pin, out] = [numberOf(lab, input), numberOf(lab, outputs[0])];
    if (abilities.drives) await lab.bank.drive(input, 1);
    for (const reset of ["by the farm", "by the guest"]) {
      await guest.ask(`o ${out}`);
      await guest.ask(`w ${out} 1`);
      expect([reset, await lab.bank.read(out)]).toEqual([reset, 1]);
      const said = guest.uart.text.length;
      if (reset === "by the farm") await guest.boot.reset();
      else guest.tell("x");
      if (reset === "by the guest" && !RESETS_ITSELF.includes(board)) return;
      await expect.poll(() => guest.uart.text.slice(said)).toContain("pins\n");
      expect([reset, lab.bank.level(out)]).toEqual([reset, 0]);
      // A first edge after it is told, whichever it is.
      await guest.ask(`o ${out}`);
      await guest.ask(`t ${out} 2`);
      await lab.bank.read(out);
      if (seesEdges) expect(lab.seen(out).slice(-4)).toEqual([1, 0, 1, 0]);
      if (!abilities.drives) continue;
      await guest.ask(`i ${pin}`);
      await reads(guest, pin, 1);
    }
    expect(guest.boot.resets).toBe(1);
  });

  test("power off lowers what the guest had raised; the next boot begins with what is driven", async () => {
    await using lab = await open();
    const first = await lab.boot();
    const [pin, out] = [numberOf(lab, input), numberOf(lab, outputs[0])];
    await first.ask(`o ${out}`);
    await first.ask(`w ${out} 1`);
    await lab.bank.read(out);
    await first.boot.stop();
    expect([lab.seen(out), lab.bank.level(out)]).toEqual([[1, 0], undefined]);
    await first.boot[Symbol.asyncDispose]();
    if (abilities.drives) await lab.bank.drive(input, 1);
    const second = await lab.boot();
    expect(await lab.bank.read(out)).toBe(atBegin);
    if (!abilities.drives) return;
    await second.ask(`i ${pin}`);
    await reads(second, pin, 1);
  });

  test("pins that nobody wanted at first are watched from when somebody asks", async () => {
    await using lab = await open({ isWanted: false });
    const guest = await lab.boot();
    const out = numberOf(lab, outputs[0]);
    await guest.ask(`o ${out}`);
    expect([lab.bank.isConnected, lab.bank.level(out)]).toEqual([false, undefined]);
    lab.listen();
    await lab.bank.connect();
    expect([lab.bank.isConnected, lab.bank.level(out)]).toEqual([true, undefined]);
    await guest.ask(`t ${out} 3`);
    expect(await lab.bank.read(out)).toBe(1);
    expect(lab.seen(out)).toEqual(seenOf(1, 0, 1));
  });

  const strategies = isFarmEmulator ? (["spare", "recycle"] as const) : (["spare"] as const);
  describe.each(strategies)("%s", (strategy) => {
    test("two guests, one after the other, each with its own edges", async () => {
      await using lab = await open({ strategy });
      for (const round of [1, 2, 3]) {
        const from = lab.edges.length;
        const guest = await lab.boot();
        const out = numberOf(lab, outputs[0]);
        await guest.ask(`o ${out}`);
        await guest.ask(`t ${out} 3`);
        await lab.bank.read(out);
        const mine = lab.edges.slice(from).filter(({ line }) => line === out);
        expect(mine.map(({ level, boot }) => [level, boot])).toEqual(seenOf(1, 0, 1).map((level) => [level, round]));
        await guest.boot.stop();
        expect(lab.bank.level(out)).toBe(undefined);
        expect(lab.seen(out).at(-1)).toBe(0);
        await guest.boot[Symbol.asyncDispose]();
        await expect.poll(() => lab.lab.strategy.rank(lab.lab.slot, { tenant: "test", boardName: "board" })).toBe(2);
      }
    });

    testOf(abilities.drives)("what was driven for one guest is not there for the next", async () => {
      await using lab = await open({ strategy });
      const pin = numberOf(lab, input);
      const first = await lab.boot();
      await first.ask(`i ${pin}`);
      const untouched = await first.ask(`r ${pin}`);
      const touched = untouched === 0 ? 1 : 0;
      await lab.bank.drive(input, touched);
      await reads(first, pin, touched);
      await first.boot[Symbol.asyncDispose]();
      await expect.poll(() => lab.lab.strategy.rank(lab.lab.slot, { tenant: "test", boardName: "board" })).toBe(2);
      const next = await lab.boot({ gpio: undefined });
      await next.ask(`i ${pin}`);
      expect(await next.ask(`r ${pin}`)).toBe(untouched);
    });
  });
}

/** Boards whose CPU can reset the machine. */
const RESETS_ITSELF: readonly string[] = [
  "ast1030-evb",
  "b-l475e-iot01a",
  "lm3s6965evb",
  "microbit",
  "mps2-an386",
  "raspi2b",
  "raspi3b",
];
