import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Emulators } from "../../../src/agent/emulator/emulators.ts";
import { boardSpec } from "../../../src/core/schema/board.ts";
import { createStandIns } from "./stand-in.ts";

const BINARY = "qemu-system-arm";

/** What QEMU says, by a script; counts how often it is asked. */
function talking({
  version = "7.2.22",
  build = "Debian 1:7.2",
  hasSandbox = true,
  accelerators = "tcg",
  machines = "mps2-an385           ARM MPS2",
} = {}): string {
  return `
echo asked >> "$(dirname "$0")/asked"
case "$*" in
  *-sandbox*) ${hasSandbox ? "exit 0" : 'echo "-sandbox support is not enabled in this QEMU binary" >&2; exit 1'};;
  *--version*) echo "QEMU emulator version ${version} (${build})";;
  *-machine*) printf 'Supported machines are:\\n${machines}\\nnone                 empty machine\\n';;
  *-accel*) printf 'Accelerators supported in QEMU binary:\\n${accelerators}\\n';;
esac`;
}

function board(emulator: object = {}) {
  return boardSpec.parse({
    title: "A board",
    architecture: "arm",
    emulator: { binary: BINARY, minVersion: "7.2", machine: "mps2-an385", ...emulator },
    memory: { ramMiB: 16 },
    uarts: [{ name: "uart0", index: 0 }],
    firmware: { formats: ["elf"], load: "kernel" },
    endings: ["none"],
  });
}

async function found(emulators: Emulators) {
  const { info } = await emulators.forBoard("board", board());
  return info;
}

async function lab(script?: string) {
  const programs = await createStandIns();
  if (script !== undefined) await programs.script(BINARY, script);
  const options = {
    searchPath: ["relative", programs.folder],
    cacheFolder: join(programs.folder, "cache"),
    uid: undefined,
  };
  return {
    programs,
    options,
    emulators: new Emulators(options),
    [Symbol.asyncDispose]: () => programs[Symbol.asyncDispose](),
  };
}

test("a program is asked for its version, machines, accelerators and sandbox", async () => {
  await using it = await lab(talking());
  const info = await found(it.emulators);
  expect(info).toEqual({
    binary: BINARY,
    path: join(it.programs.folder, BINARY),
    version: "7.2.22",
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    machines: ["mps2-an385", "none"],
    accelerators: ["tcg"],
    hasSandbox: true,
  });
  expect(await it.emulators.forBoard("board", board())).toEqual({ info, accelerator: "tcg" });
});

test("a program is asked once, by whichever agent, until it changes", async () => {
  await using it = await lab(talking());
  const asked = async () => (await readFile(join(it.programs.folder, "asked"), "utf8")).split("\n").length - 1;
  await Promise.all([found(it.emulators), found(it.emulators)]);
  await found(new Emulators(it.options));
  expect(await asked()).toBe(4);
  await it.programs.script(BINARY, talking({ version: "10.0.2" }));
  expect(await found(new Emulators(it.options))).toMatchObject({ version: "10.0.2" });
  expect(await asked()).toBe(8);
});

test("a program that was looked at before it was wanted is not asked again, and a missing one may come later", async () => {
  await using it = await lab(talking());
  it.emulators.lookAt(BINARY);
  it.emulators.lookAt("qemu-system-riscv32");
  await found(it.emulators);
  expect((await readFile(join(it.programs.folder, "asked"), "utf8")).split("\n")).toHaveLength(4 + 1);
  await it.programs.script("qemu-system-riscv32", talking());
  const other = board({ binary: "qemu-system-riscv32" });
  expect(await it.emulators.check("board", other)).toMatchObject({ isAvailable: true });
});

test("a damaged cache is replaced", async () => {
  await using it = await lab(talking());
  await found(it.emulators);
  const probes = join(it.options.cacheFolder, "probes");
  const { writeFile } = await import("node:fs/promises");
  for (const name of await readdir(probes)) await writeFile(join(probes, name), "not what it was");
  expect(await found(new Emulators(it.options))).toMatchObject({ version: "7.2.22" });
});

test("a program without sandbox is used, and said to have none", async () => {
  await using it = await lab(talking({ hasSandbox: false }));
  expect(await found(it.emulators)).toMatchObject({ hasSandbox: false });
});

test("a missing program is told with what to install, and found once it is there", async () => {
  await using it = await lab();
  const check = await it.emulators.check("board", board());
  expect(check).toMatchObject({
    isAvailable: false,
    error: { code: "EmulatorMissing", message: expect.stringContaining("apt-get install qemu-system-arm") },
  });
  await it.programs.script(BINARY, talking());
  expect(await it.emulators.check("board", board())).toMatchObject({ isAvailable: true, accelerator: "tcg" });
});

test.each([
  ["too old", talking({ version: "6.2.0" }), {}, "EmulatorTooOld", /version 6\.2\.0; board board needs 7\.2 or later/],
  ["too old by its second number", talking({ version: "7.1.9" }), {}, "EmulatorTooOld", /needs 7\.2/],
  [
    "too old to get a newer one but from the distribution",
    talking({ version: "6.2.0" }),
    {},
    "EmulatorTooOld",
    /qemu-system-arm 7\.2 or later from your distribution's backports/,
  ],
  [
    "of the farm's own, but older than the board asks,",
    talking({ version: "10.0.13", build: "emufarm 3" }),
    { minVersion: "10.1" },
    "EmulatorTooOld",
    /version 10\.0\.13; board board needs 10\.1 or later\. Install it: npm run qemu, which builds the farm's own anew/,
  ],
  ["without the machine", talking(), { machine: "esp32,x=1" }, "BoardUnavailable", /has no machine esp32/],
  ["without the accelerator", talking(), { accelerators: ["kvm"] }, "BoardUnavailable", /accelerators \(kvm\)/],
  ["that fails", "echo 'libfdt.so.1: cannot open' >&2; exit 127", {}, "EmulatorUnusable", /libfdt\.so\.1/],
  ["that says nothing sensible", "echo hello", {}, "EmulatorUnusable", /does not tell its version/],
])("an emulator %s makes the board unavailable, and why is said", async (_, script, emulator, code, message) => {
  await using it = await lab(script);
  const check = await it.emulators.check("board", board(emulator));
  expect(check).toMatchObject({ isAvailable: false, error: { code, message: expect.stringMatching(message) } });
});

test("where one program does not run the board, the next of its name does; the farm's own build is known", async () => {
  await using own = await lab(talking({ version: "10.0.13", build: "emufarm 3" }));
  await using stock = await lab(talking({ version: "9.2.0", build: "Debian 1:9.2" }));
  await stock.programs.script(BINARY, talking({ version: "9.2.0", machines: "q35 PC" }));
  const searchPath = [own.programs.folder, stock.programs.folder];
  const emulators = new Emulators({ ...own.options, searchPath });
  const { info } = await emulators.forBoard("board", board());
  expect(info).toMatchObject({ version: "10.0.13", farmRevision: 3 });
  const other = await emulators.forBoard("board", board({ machine: "q35" }));
  expect(other.info).toMatchObject({ version: "9.2.0" });
  expect(other.info.farmRevision).toBeUndefined();
  for (const [emulator, message] of [
    [{ machine: "esp32" }, "10.0.13 has no machine esp32"],
    [{ minVersion: "99.1" }, "version 10.0.13"],
  ] as const) {
    const check = await emulators.check("board", board(emulator));
    expect(check, "what is said of the newest").toMatchObject({ error: { message: expect.stringContaining(message) } });
  }
});

test("of a board's accelerators the first one that can be used is taken", async () => {
  await using it = await lab(talking({ accelerators: "tcg\\nxen" }));
  const taken = await it.emulators.forBoard("board", board({ accelerators: ["kvm", "tcg"] }));
  expect(taken.accelerator).toBe("tcg");
});
