import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { debuggedImage, GdbLab, portOf, runGdb } from "./gdb-lab.ts";

let lab: GdbLab;

beforeAll(async () => {
  lab = await GdbLab.start();
});

afterAll(() => lab[Symbol.asyncDispose]());

interface GdbCase {
  readonly board: string;
  readonly uart: string;
  readonly register: RegExp;
  readonly program?: string;
  readonly before?: readonly string[];
}

/** A board of each architecture, its console, and a register that it has. */
const BOARDS: readonly GdbCase[] = [
  { board: "mps2-an385", uart: "uart0", register: /pc +0x/ },
  { board: "arm-virt", uart: "uart0", register: /pc +0x/ },
  { board: "riscv32-virt", uart: "uart0", register: /pc +0x/ },
  { board: "riscv64-virt", uart: "uart0", register: /pc +0x/ },
  // QEMU's AVR has no watchpoints: gdb steps instead.
  {
    ...{ board: "uno", uart: "usart0", register: /pc +0x/, program: "avr-gdb" },
    before: ["set can-use-hw-watchpoints 0"],
  },
];

/** `next` went to a later line of the source, `stepi` on by an instruction of these CPUs, which has 2 or 4 bytes. */
function expectSteps(said: string): void {
  const lines = [...said.matchAll(/^Line (\d+) of ".*debugged.c"/gm)];
  const [before = Number.NaN, after = Number.NaN] = lines.map(([, line]) => Number(line));
  expect(after).toBeGreaterThan(before);
  const [from = Number.NaN, to = Number.NaN] = [...said.matchAll(/^\$[23] = (\d+)$/gm)].map(([, at]) => Number(at));
  expect([2, 4]).toContain(to - from);
}

test.for(BOARDS)(
  "gdb-multiarch on $board: break, registers, watch, step, detach, and the guest goes on; kill, and it starts over",
  async ({ board, uart, register, program, before = [] }) => {
    const paused = await lab.instance(board, board, { isPaused: true });
    const target = `127.0.0.1:${portOf(paused, "gdb")}`;
    const console = connect(portOf(paused, uart), "127.0.0.1");
    // A UART that is set up by its guest may lose what came before.
    console.once("data", () => console.write("x"));
    console.resume();
    const commands = [
      ...before,
      ...["break triple", "continue", "backtrace", "info registers pc", "delete"],
      ...["watch counter", "continue", "print counter", "delete"],
      ...["info line", "next", "info line", "print/u $pc", "stepi", "print/u $pc", "detach"],
    ];
    const said = await runGdb(await debuggedImage(board), target, commands, program);
    expect(said).toMatch(/Breakpoint 1, triple \(value=0\)/);
    expect(said).toMatch(/#1 .* work \(\)/);
    expect(said).toMatch(/#2 .* main \(\)/);
    expect(said).toMatch(register);
    expect(said).toMatch(/New value = 1/);
    expect(said).toMatch(/\$1 = 1$/m);
    expectSteps(said);
    expect(said).toContain("[Inferior 1");
    await lab.said(board, uart, "debugged\n1\n");
    console.write("y");
    await lab.said(board, uart, "debugged\n1\n4\n");
    expect(console.destroyed).toBe(false);
    console.destroy();
    const killed = await runGdb(await debuggedImage(board), target, ["kill"], program, before);
    expect(killed).toContain("[Inferior 1 (process 1) killed]");
    await lab.said(board, uart, "debugged\n1\n4\ndebugged\n");
    expect(await lab.agent.statusWhen(board, ({ boots }) => boots === 2)).toMatchObject({ restarts: 0 });
  },
);

test("what gdb loads is in memory, byte for byte, whatever the bytes are", async () => {
  const status = await lab.instance("loaded", "mps2-an385");
  const folder = await mkdtemp(join(tmpdir(), "load-"));
  try {
    const bytes = Buffer.from(Uint8Array.from({ length: 50_001 }, (_, at) => at * 7 + (at >> 8)));
    await writeFile(join(folder, "in"), bytes);
    const said = await runGdb(await debuggedImage("mps2-an385"), `127.0.0.1:${portOf(status, "gdb")}`, [
      `restore ${join(folder, "in")} binary 0x21000003`,
      `dump binary memory ${join(folder, "out")} 0x21000003 ${0x21000003 + bytes.length}`,
      "show remote binary-download-packet",
      "detach",
    ]);
    expect(said).toContain("currently enabled");
    expect((await readFile(join(folder, "out"))).equals(bytes)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
