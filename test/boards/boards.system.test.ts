import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import type { BootStrategyName } from "../../src/core/schema/boot-strategy.ts";
import type { ScenarioInput } from "../../src/core/schema/scenario.ts";
import { buildFirmware } from "../firmware/build.ts";
import { BoardLab, saidOn } from "./board-lab.ts";
import { type EmulatorSet, emulatorFolder, emulatorSets } from "./emulator-sets.ts";
import { intelHex, intelHexOf, rawImage } from "./image-formats.ts";
import { readBoards } from "./manifests.ts";

type Steps = ScenarioInput["steps"];

const boards = readBoards();
const sets = emulatorSets();
let firmware: string;

beforeAll(async () => {
  firmware = await buildFirmware();
});

for (const board of boards.filter((one) => !sets.some((set) => emulatorFolder(set, one)))) it.skip(needs(board));

describe.each(sets)("on $name", (set) => {
  let lab: BoardLab;
  let scratch: string;

  beforeAll(async () => {
    lab = await BoardLab.start(set.folders);
    scratch = mkdtempSync(join(tmpdir(), "emufarm-boards-"));
  });

  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  const runnable = boards.filter((board) => emulatorFolder(set, board) !== undefined);
  // What a board does not have is left out, not skipped: a skipped test is one that this machine cannot run.
  describe.each(runnable.map((board) => ({ name: board.metadata.name, board })))("$name", ({ name, board }) => {
    const { emulator, endings, firmware: accepted, uarts } = board.spec;
    const banner = `emufarm shell on ${name}\n> `;
    const canEnd = !endings.includes("none");
    const image = (app: string) => ({ bytes: readFileSync(join(firmware, name, `${app}.elf`)) });
    const talk = async (steps: Steps) =>
      lab.run(board, image("shell"), { timeout: "60s", scenario: { version: 1, steps } });

    it("says hello and ends", async () => {
      const result = await lab.run(board, image("hello"), canEnd ? {} : { expectText: "done, exit code 0\n" });
      expect(result.error).toBeUndefined();
      expect(result.verdict).toBe("passed");
      if (canEnd) expect(result.exit?.reason).toMatch(/^Guest(Exited|Shutdown)$/);
      expect(saidOn(result).toString()).toBe(canEnd ? "boot ok\n" : "boot ok\ndone, exit code 0\n");
    });

    it("talks both ways on its UARTs, byte by byte and at full speed, and ends with a code", async () => {
      const [, second] = uarts;
      const result = await talk([
        { "wait-serial": banner },
        { "write-serial": "echo hello there\n" },
        { "wait-serial": "hello there\n> " },
        ...(second ? talkOver(second.name) : []),
        { "write-serial": "binary\n" },
        { "wait-serial": "> " },
        { "write-serial": "flood 8\n" },
        { "wait-serial": "\n> " },
        { "write-serial": "exit 7\n" },
        canEnd ? { "expect-exit": { reason: "GuestExited", code: 7 } } : { "wait-serial": "done, exit code 7\n" },
      ]);
      expect(result.error).toBeUndefined();
      const said = saidOn(result);
      expect(said.indexOf(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)))).toBeGreaterThan(0);
      expect(said.indexOf(NUMBERED_LINES), "a byte of the numbered lines is missing").toBeGreaterThan(0);
    });

    it.each(waysOf(board, set))("boots by %s as it does by spawn", async (way) => {
      const hello = (strategy: BootStrategyName) =>
        lab.run(board, image("hello"), { strategy, ...(!canEnd && { expectText: "done, exit code 0\n" }) });
      const cold = await hello("spawn");
      const warm = await vi.waitFor(
        async () => {
          const result = await hello(way);
          // The first boot leaves something to wait in its slot, which takes a moment.
          expect(result.emulator?.strategy).toBe(way);
          return result;
        },
        { timeout: 60_000, interval: 200 },
      );
      expect([warm.verdict, warm.exit, saidOn(warm)]).toEqual([cold.verdict, cold.exit, saidOn(cold)]);
    });

    it("starts again after a power cycle", async () => {
      const result = await talk([{ "wait-serial": banner }, { power: "cycle" }, { "wait-serial": banner }]);
      expect(result.error).toBeUndefined();
      expect(result.boots).toBe(2);
    });

    it("is reset from outside", async () => {
      const result = await talk([{ "wait-serial": banner }, { reset: true }, { "wait-serial": banner }]);
      expect(result.error).toBeUndefined();
      expect(result.boots).toBe(emulator.reset === "system" ? 1 : 2);
    });

    if (endings.includes("reset")) {
      it("resets itself", async () => {
        const result = await talk([
          { "wait-serial": banner },
          { "write-serial": "reset\n" },
          { "wait-serial": banner },
          { "write-serial": "exit 0\n" },
          { "expect-exit": 0 },
        ]);
        expect(result.error).toBeUndefined();
        expect(result.resets).toBe(1);
      });
    }

    if (endings.includes("shutdown")) {
      it("switches itself off", async () => {
        const result = await talk([{ "wait-serial": "> " }, { "write-serial": "off\n" }, { "expect-exit": true }]);
        expect(result.error).toBeUndefined();
        expect(result.exit?.code ?? 0).toBe(0);
      });
    }

    // A boot loader's place is not where the examples are linked to, unless the machine's firmware lies in RAM.
    if (accepted.formats.includes("bin") && board.spec.architecture !== "aarch64") {
      it("takes a raw image", async () => {
        const raw = rawImage(image("hello").bytes);
        expect(await lab.run(board, { bytes: raw, format: "bin" }, { expectText: "boot ok\n" })).toMatchObject({
          verdict: "passed",
        });
      });
    }

    if (accepted.formats.includes("hex")) {
      it("takes an Intel HEX file", async () => {
        const hex = Buffer.from(intelHex(image("hello").bytes));
        expect(await lab.run(board, { bytes: hex }, { expectText: "boot ok\n" })).toMatchObject({ verdict: "passed" });
      });
    }

    it("has memory in the middle and at the end of each of its regions", () => {
      const addresses = board.spec.memory.regions.flatMap(({ base, sizeKiB }) => [
        base + sizeKiB * 512,
        base + sizeKiB * 1024 - 4,
      ]);
      for (const address of addresses) {
        const seen = readBack(board, emulatorFolder(set, board) ?? "", join(scratch, "marker.hex"), address);
        expect(seen, `nothing stays at 0x${address.toString(16)}`).toContain("0x5ec0ffee");
      }
    });
  });
});

/** Ways to boot any firmware that the board is proven for in these emulators; the others take a ready pattern. */
function waysOf({ spec: { boot } }: Board, { isFarmsOwn = false }: EmulatorSet): BootStrategyName[] {
  return boot.proven.filter((way) => way === "spare" || (way === "recycle" && isFarmsOwn));
}

function needs({ metadata, spec: { emulator } }: Board): string {
  return `${metadata.name} needs ${emulator.binary} ${emulator.minVersion}`;
}

/** Both directions of another UART, seen from the console. */
function talkOver(uart: string): NonNullable<Steps> {
  return [
    { "write-serial": "uart1 over to you\n" },
    { "wait-serial": { text: "over to you\n", uart } },
    { "wait-serial": "> " },
    { "write-serial": { text: "x", uart } },
    { "wait-serial": "uart1 got x\n" },
  ];
}

/** What the shell says for `flood 8`. */
const NUMBERED_LINES = Array.from(
  { length: 128 },
  (_, number) => `${String(number).padStart(8, "0")}${"ABCDEFGHIJKLMNOPQRSTUVWXYZ".repeat(3).slice(0, 55)}\n`,
).join("");

/** Loads a word to an address of the stopped board and reads it back, as the CPU and as the bus see it. */
function readBack({ spec: { emulator, memory } }: Board, folder: string, marker: string, address: number): string {
  writeFileSync(marker, intelHexOf([{ address, bytes: Buffer.from("eeffc05e", "hex") }]));
  const args = ["-M", emulator.machine, "-nodefaults", "-display", "none", "-S", "-monitor", "stdio"];
  if (emulator.cpu) args.push("-cpu", emulator.cpu);
  if (emulator.cpus > 1) args.push("-smp", String(emulator.cpus));
  if (!memory.isFixed) args.push("-m", `${memory.ramMiB}M`);
  if (emulator.bios === "none") args.push("-bios", "none");
  args.push("-device", `loader,file=${marker}`);
  const where = `0x${address.toString(16)}`;
  const input = `x /1xw ${where}\nxp /1xw ${where}\nquit\n`;
  return execFileSync(join(folder, emulator.binary), args, { input, encoding: "utf8", stdio: "pipe" });
}
