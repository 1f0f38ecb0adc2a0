import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildFirmware } from "../firmware/build.ts";
import { describeFarmQemu, exampleImage, FarmMachine, type RecycleInfo } from "./farm-machine.ts";
import { MACHINES, type MachineKind, machines } from "./machine-table.ts";
import { Qtest } from "./qtest.ts";
import { useTestFirmware } from "./test-firmware.ts";

const SEMIHOSTING = ["-semihosting-config", "enable=on,target=native,confined=on"];
const APPS = ["hello", "unity", "unity-fail", "ztest", "ztest-fail"];
const ALTERNATIONS = 200;

const args = ({ target }: { target: string }) => (target === "avr" ? [] : SEMIHOSTING);

describeFarmQemu("a recycled machine", () => {
  const hostile = useTestFirmware(["mps2-an385"], ["hostile", "fall"]);

  test.each(MACHINES)("runs every app as a fresh process does: $board", async (kind) => {
    await using recycled = await FarmMachine.start(kind, { args: args(kind) });
    for (const app of APPS) {
      const image = exampleImage(kind, app);
      await using fresh = await FarmMachine.start(kind, { args: args(kind), image });
      await fresh.execute("cont");
      const { text, code } = await recycled.run(image);
      expect(text).not.toBe("");
      if (kind.hasEnd) expect((await fresh.event("SHUTDOWN"))["exit-code"] ?? 0).toBe(code);
      await fresh.uart.untilLength(text.length);
      expect(text).toBe(fresh.uart.text());
    }
  });

  test.each(MACHINES)(
    `gives what fresh processes give, in ${ALTERNATIONS} alternations of two images: $board`,
    async (kind) => {
      const images = [exampleImage(kind, "unity"), exampleImage(kind, "ztest-fail")];
      const fresh = await Promise.all(images.map((image) => freshRun(kind, image)));
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      for (let round = 0; round < ALTERNATIONS / 2; round++) {
        for (const [index, image] of images.entries()) {
          const { text, code } = await machine.run(image);
          expect({ text, code }).toEqual(fresh[index]);
        }
      }
    },
  );

  test.each(machines("mps2-an385", "arm-virt", "riscv64-virt"))(
    "has nothing in its RAM of a guest that filled it: $board",
    async (kind) => {
      const image = join(await buildFirmware(), kind.board, "ram-left.elf");
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      const { serials } = await machine.recycle(image);
      await machine.uart.until("left\n", serials[0]?.written ?? 0);
      expect((await ramOf(machine)).includes(LEFT_IN_RAM)).toBe(true);
      await machine.recycle(exampleImage(kind, "hello"), { resume: false });
      expect((await ramOf(machine)).includes(LEFT_IN_RAM)).toBe(false);
    },
  );

  test("shows nothing of what a hostile guest has left, and none of its flood", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { args: args(kind) });
    const pristine = await memory(machine, exampleImage(kind, "hello"), "pristine");
    for (let round = 0; round < 10; round++) {
      const { serials } = await machine.recycle(hostile(kind.board, "hostile"));
      await machine.uart.until("flood flood", serials[0]?.written ?? 0);
      expect(await machine.run(exampleImage(kind, "hello"))).toMatchObject({ text: "boot ok\n", code: 0 });
    }
    await machine.recycle(hostile(kind.board, "hostile"));
    expect(await memory(machine, exampleImage(kind, "hello"), "after")).toBe(pristine);
  });

  test.each(machines("mps2-an385", "riscv64-virt"))(
    "drops input that was not read, and counts it: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      await machine.recycle(exampleImage(kind, "hello"));
      await machine.event("SHUTDOWN");
      const left = "echo from the past\n".repeat(20);
      await new Promise((resolve) => machine.uart.socket?.write(left, resolve));
      const { serials } = await machine.recycle(exampleImage(kind, "shell"));
      const [serial] = serials;
      expect(serial?.dropped).toBeGreaterThan(left.length / 2);
      const from = serial?.written ?? 0;
      await machine.uart.until("> ", from);
      machine.uart.socket?.write("echo now\nexit 3\n");
      expect(await machine.event("SHUTDOWN")).toMatchObject({ "exit-code": 3 });
      expect(await machine.uart.until("now", from)).not.toContain("past");
    },
  );

  test.each(machines("mps2-an385", "riscv32-virt"))("emits no event but RESUME: $board", async (kind) => {
    await using machine = await FarmMachine.start(kind, { args: args(kind) });
    await machine.recycle(exampleImage(kind, "shell"));
    await machine.event("RESUME");
    await machine.recycle(exampleImage(kind, "shell"), { resume: false });
    expect(await machine.status()).toBe("prelaunch");
    expect(machine.events).toEqual([]);
  });

  test.each(machines("mps2-an385", "arm-virt", "riscv64-virt"))(
    "goes back to the command line's image, and runs it again after a reset of its own: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: args(kind), image: exampleImage(kind, "unity") });
      expect((await machine.run(exampleImage(kind, "hello"))).text).toBe("boot ok\n");
      const { serials } = await machine.recycle();
      await machine.event("SHUTDOWN");
      expect(await machine.uart.until("OK\n", serials[0]?.written)).toContain("4 Tests");
      const { serials: again } = await machine.recycle(exampleImage(kind, "hello"), { resume: false });
      await machine.execute("system_reset");
      await machine.execute("cont");
      expect(await machine.uart.until("boot ok\n", again[0]?.written)).toBe("boot ok\n");
    },
  );

  test.each(machines("mps2-an385", "riscv32-virt", "uno"))(
    "refuses an image that cannot run, and runs the next: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      const foreign = machines(kind.target === "arm" ? "riscv32-virt" : "mps2-an385")[0] ?? kind;
      const empty = join(machine.folder, "empty.bin");
      await writeFile(empty, "");
      const broken = join(machine.folder, "broken.hex");
      await writeFile(broken, ":this is not hex\n");
      const raw = join(machine.folder, "raw.bin");
      await writeFile(raw, Buffer.alloc(64, 1));
      const refused: [string, Record<string, unknown>, RegExp][] = [
        [join(machine.folder, "missing.elf"), {}, /No such file/],
        [machine.folder, {}, /not a file that can be read/],
        [empty, {}, /is empty/],
        [broken, {}, /not in Intel HEX format/],
        [raw, { format: "elf" }, /ELF/],
        [raw, { address: 0xf0000000 }, /no memory at 0x/],
        [exampleImage(foreign, "hello"), {}, /incompatible architecture/],
      ];
      for (const [image, more, reason] of refused) {
        await expect(machine.recycle(image, more)).rejects.toMatchObject({ message: expect.stringMatching(reason) });
        expect(await machine.status()).toBe("prelaunch");
      }
      expect((await machine.run(exampleImage(kind, "hello"))).text).toMatch(/^boot ok\n/);
    },
  );

  test.each(machines("mps2-an385", "riscv64-virt", "sifive-e", "b-l475e-iot01a", "microbit"))(
    "comes free of a guest whose output nobody takes: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      const { serials } = await machine.recycle(exampleImage(kind, "shell"));
      await machine.uart.until("> ", serials[0]?.written);
      machine.uart.socket?.pause();
      machine.uart.socket?.write("flood 1024\n");
      await machine.execute("__dev.emufarm_set-alarm", { id: "full", "virtual-ns": 300_000_000 });
      await machine.event("__dev.emufarm_ALARM");
      const { serials: next } = await machine.recycle(exampleImage(kind, "hello"));
      machine.uart.socket?.resume();
      expect(await machine.uart.until("boot ok\n", next[0]?.written)).toBe("boot ok\n");
    },
  );

  /** Registers that the model's own reset leaves as the guest has set them. */
  const kept: [string, string, string][] = [
    ["mps2-an385", "the SPI controller's", "0x40020000"],
    ["b-l475e-iot01a", "the clock controller's", "0x40021008"],
    ["sifive-e", "the UART's divisor", "0x10013018"],
  ];
  test.each(kept)("has registers as new, those too that a reset leaves: %s, %s", async (board, _name, address) => {
    const [kind] = machines(board);
    if (kind === undefined) return;
    const pins = ["-accel", "tcg", "-qtest", "chardev:pins", "-qtest-log", "none"];
    await using machine = await FarmMachine.start(kind, { args: pins, chardevs: ["pins"] });
    const qtest = new Qtest(machine);
    await machine.recycle(exampleImage(kind, "shell"), { resume: false });
    const fresh = await qtest.ask(`readl ${address}`);
    await machine.execute("cont");
    await machine.uart.until("> ");
    await qtest.ask(`writel ${address} 0x15`);
    expect(await qtest.ask(`readl ${address}`)).not.toEqual(fresh);
    await machine.recycle(exampleImage(kind, "shell"), { resume: false });
    expect(await qtest.ask(`readl ${address}`)).toEqual(fresh);
  });

  test.each(machines("mps2-an385", "riscv64-virt", "raspi3b", "uno"))(
    "has its clock at the start again, where it was recycled before its first guest: $board",
    async (kind) => {
      await using machine = await FarmMachine.start(kind, { args: args(kind) });
      for (let round = 0; round < 3; round++) {
        const { serials, "virtual-ns": start } = await machine.recycle(exampleImage(kind, "shell"));
        expect(start).toBe(0);
        await machine.uart.until("> ", serials[0]?.written);
      }
    },
  );

  test("refuses an image for another AVR", async () => {
    const [uno, mega] = machines("uno", "mega");
    if (uno === undefined || mega === undefined) return;
    await using machine = await FarmMachine.start(uno);
    await expect(machine.recycle(exampleImage(mega, "hello"))).rejects.toMatchObject({
      message: expect.stringContaining("this machine has"),
    });
  });

  test("takes raw images and Intel HEX where it is told to", async () => {
    const [kind] = machines("mps2-an385");
    if (kind === undefined) return;
    await using machine = await FarmMachine.start(kind, { args: args(kind) });
    const loop = Buffer.from([0x00, 0x10, 0x00, 0x20, 0x09, 0x00, 0x00, 0x00, 0xfe, 0xe7]);
    const raw = join(machine.folder, "loop.bin");
    await writeFile(raw, loop);
    await machine.recycle(raw);
    expect(await machine.status()).toBe("running");
    const sum = loop.reduce((total, byte) => total - byte, -loop.length) & 0xff;
    const hex = join(machine.folder, "loop.hex");
    await writeFile(hex, `:0A000000${loop.toString("hex").toUpperCase()}${hexByte(sum)}\n:00000001FF\n`);
    await machine.recycle(hex);
    expect(await machine.status()).toBe("running");
    const { text } = await machine.run(exampleImage(kind, "hello"));
    expect(text).toBe("boot ok\n");
  });
});

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0").toUpperCase();
}

/** All memory of an mps2-an385 that an image starts with, before it runs. */
/** What a process of its own gives, which is told of its image when it starts. */
async function freshRun(kind: MachineKind, image: string): Promise<{ text: string; code: unknown }> {
  await using machine = await FarmMachine.start(kind, { args: args(kind), image });
  await machine.execute("cont");
  if (!kind.hasEnd) return { text: await machine.uart.until(/exit code \d+\n/), code: undefined };
  const { "exit-code": code = 0 } = await machine.event("SHUTDOWN");
  const { serials } = await machine.execute<RecycleInfo>("__dev.emufarm_recycle");
  const bytes = serials.find(({ label }) => label === "uart")?.written ?? 0;
  await machine.uart.untilLength(bytes);
  return { text: machine.uart.text().slice(0, bytes), code };
}

/** What ram-left writes, several times over. */
const LEFT_IN_RAM = Buffer.alloc(64, Buffer.of(0xed, 0x5e, 0xed, 0x5e));

/** Address and MiB of the memory of the machines as the table starts them. */
const RAM: Readonly<Record<string, readonly [number, number]>> = {
  "mps2-an385": [0x2100_0000, 16],
  "arm-virt": [0x4000_0000, 128],
  "riscv64-virt": [0x8000_0000, 128],
};

async function ramOf(machine: FarmMachine): Promise<Buffer> {
  const [val, mebibytes] = RAM[machine.kind.board] ?? [0, 0];
  const filename = join(machine.folder, "ram");
  await machine.execute("pmemsave", { val, size: mebibytes * 1024 * 1024, filename });
  return await readFile(filename);
}

async function memory(machine: FarmMachine, image: string, name: string): Promise<string> {
  await machine.recycle(image, { resume: false });
  const hash = createHash("sha256");
  for (const [base, size] of [
    [0, 0x400000],
    [0x20000000, 0x400000],
    [0x01000000, 0x4000],
    [0x21000000, 0x1000000],
  ]) {
    const file = join(machine.folder, name);
    await machine.execute("pmemsave", { val: base, size, filename: file });
    hash.update(await readFile(file));
  }
  return hash.digest("hex");
}
