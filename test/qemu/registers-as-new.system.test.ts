/** Registers of every machine that can be read: nothing in them tells the next guest of the last one. */
import { expect, test } from "vitest";
import { describeFarmQemu, FarmMachine } from "./farm-machine.ts";
import { MACHINES } from "./machine-table.ts";
import { Qtest } from "./qtest.ts";

/** Registers of a device lie at its begin. */
const LONGEST_READ = 0x1000;
/** Writes to it end stock QEMU as well, by an assertion. */
const ABORTING = ["bcm2835-ic"];
/** So many bytes at the begin of these are the host's time, or random: they tell of nobody's guest. */
const CHANGING: Readonly<Record<string, number>> = { goldfish_rtc: 8, pl031: 4, "bcm2835-rng": 12 };

interface Region {
  readonly name: string;
  readonly base: number;
  readonly size: number;
}

/** What the CPU sees of devices: of QEMU's flat views the one with the most of them. */
function regionsIn(tree: string): Region[] {
  const views = tree.split(/^FlatView #\d+$/m).map((view) =>
    [...view.matchAll(/^ +([0-9a-f]+)-([0-9a-f]+) \(prio -?\d+, i\/o\): (\S+)/gm)].map(
      ([, from = "", to = "", name = ""]): Region => {
        const base = Number.parseInt(from, 16);
        return { name, base, size: Math.min(LONGEST_READ, Number.parseInt(to, 16) - base + 1) };
      },
    ),
  );
  return views.reduce((best, view) => (view.length > best.length ? view : best), []);
}

/** What stands in these, all read at once: each answer is waited for on a machine that may be busy. */
async function readAll(qtest: Qtest, regions: readonly Region[]): Promise<Buffer[]> {
  const answers = await qtest.askAll(regions.map(({ base, size }) => `b64read ${base} ${size}`));
  return answers.map((answer) => Buffer.from(answer.replace(/^OK /, ""), "base64"));
}

/** Not every register takes every value. */
const PATTERNS: readonly ((byte: number) => number)[] = [(byte) => ~byte & 0xff, () => 0x15, () => 0xff];

/** Words in which two readings differ, as offsets. */
function differences(one: Buffer | undefined, other: Buffer | undefined, from = 0): number[] {
  const words = new Set<number>();
  for (let at = from; at < (one?.length ?? 0); at++) if (one?.[at] !== other?.[at]) words.add(at - (at % 4));
  return [...words];
}

describeFarmQemu("a recycled machine", () => {
  test.each(MACHINES)("has each register as a fresh one, whatever was written to all of them: $board", async (kind) => {
    const args = ["-accel", "tcg", "-qtest", "chardev:pins", "-qtest-log", "none"];
    await using machine = await FarmMachine.start(kind, { args, chardevs: ["pins"] });
    const qtest = new Qtest(machine);
    const recycle = () => machine.recycle(undefined, { resume: false });
    await recycle();
    const tree = await machine.execute<string>("human-monitor-command", { "command-line": "info mtree -f" });
    const regions = regionsIn(tree).filter(({ name }) => !ABORTING.includes(name));
    expect(regions.length).toBeGreaterThan(8);
    const kept = new Set<string>();
    await recycle();
    const fresh = await readAll(qtest, regions);
    for (const pattern of PATTERNS) {
      const written = fresh.map((bytes) => Buffer.from(bytes.map(pattern)).toString("base64"));
      await qtest.askAll(regions.map(({ base, size }, index) => `b64write ${base} ${size} ${written[index]}`));
      await recycle();
      const after = await readAll(qtest, regions);
      for (const [index, region] of regions.entries()) {
        for (const place of differences(fresh[index], after[index], CHANGING[region.name])) {
          kept.add(`${region.name} at 0x${(region.base + place).toString(16)}`);
        }
      }
    }
    expect([...kept]).toEqual([]);
  });
});
