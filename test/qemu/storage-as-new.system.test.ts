/** What devices keep over a reset: nothing of the last guest's is left for the next. */
import { expect, test } from "vitest";
import { describeFarmQemu, exampleImage, FarmMachine } from "./farm-machine.ts";
import { machines } from "./machine-table.ts";
import { Qtest } from "./qtest.ts";

const SEMIHOSTING = ["-semihosting-config", "enable=on,target=native,confined=on"];
const WITH_QTEST = {
  args: [...SEMIHOSTING, "-accel", "tcg", "-qtest", "chardev:pins", "-qtest-log", "none"],
  chardevs: ["pins"],
};

/** The FU540's QSPI 0, to which its flash chip is connected. */
const SPI = 0x10040000;
const CHIP_SELECT_MODE = SPI + 0x18;
const TRANSMIT = SPI + 0x48;
const RECEIVE = SPI + 0x4c;
const HOLD = 2;
const WRITE_ENABLE = 0x06;
const PAGE_PROGRAM = 0x02;
const READ = 0x03;
const ADDRESS = [0, 0x10, 0];
const ERASED = 0xff;

/** Bytes to the chip while it is selected; what it answers to each. */
async function transfer(qtest: Qtest, bytes: readonly number[]): Promise<number[]> {
  const answers = await qtest.askAll([
    `writel ${CHIP_SELECT_MODE} ${HOLD}`,
    ...bytes.flatMap((byte) => [`writel ${TRANSMIT} ${byte}`, `readl ${RECEIVE}`]),
    `writel ${CHIP_SELECT_MODE} 0`,
  ]);
  return bytes.map((_, index) => Number(answers[2 + index * 2]?.split(" ")[1]) & 0xff);
}

async function flashed(qtest: Qtest): Promise<number[]> {
  return (await transfer(qtest, [READ, ...ADDRESS, 0, 0, 0, 0])).slice(-4);
}

/** Where an SSE-200 or SSE-300 keeps what its CPU takes its vectors from: until power is lost. */
const INITIAL_VECTORS = { "mps2-an505": 0x50021110, "mps2-an521": 0x50021110, "mps3-an547": 0x58021110 };
const NO_MEMORY = 0xa0000000;

describeFarmQemu("a recycled machine's storage", () => {
  test.each(machines("sifive-u"))("has a blank flash chip without a drive: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, WITH_QTEST);
    const qtest = new Qtest(machine);
    const recycle = () => machine.recycle(undefined, { resume: false });
    await recycle();
    expect(await flashed(qtest)).toEqual(Array(4).fill(ERASED));
    await transfer(qtest, [WRITE_ENABLE]);
    await transfer(qtest, [PAGE_PROGRAM, ...ADDRESS, 0x12, 0x34, 0x56, 0x78]);
    expect(await flashed(qtest)).toEqual([0x12, 0x34, 0x56, 0x78]);
    await recycle();
    expect(await flashed(qtest)).toEqual(Array(4).fill(ERASED));
  });

  test.each(Object.entries(INITIAL_VECTORS))("has its vectors where they belong: %s", async (board, register) => {
    const [kind] = machines(board);
    if (kind === undefined) throw new Error(`no ${board}`);
    await using machine = await FarmMachine.start(kind, WITH_QTEST);
    const qtest = new Qtest(machine);
    const hello = exampleImage(kind, "hello");
    expect((await machine.run(hello)).text).toBe("boot ok\n");
    const [before] = await qtest.askAll([`readl ${register}`]);
    const [, after] = await qtest.askAll([`writel ${register} ${NO_MEMORY}`, `readl ${register}`]);
    expect(Number(after?.split(" ")[1])).toBe(NO_MEMORY);
    expect(before).not.toBe(after);
    expect((await machine.run(hello)).text).toBe("boot ok\n");
  });
});
