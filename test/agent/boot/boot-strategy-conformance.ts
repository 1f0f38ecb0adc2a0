import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { BootRequest } from "../../../src/agent/boot/boot.ts";
import type { BoardSpec } from "../../../src/core/schema/board.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { type BootLab, type BootLabOptions, createBootLab } from "./boot-lab.ts";

/** Boards of different CPUs and endings that the emulators of every distribution have. */
const BOARDS = ["mps2-an385", "lm3s6965evb", "arm-virt", "riscv64-virt", "q35"];

/** What every boot strategy must do, whatever the board. */
export function testBootStrategy(options: BootLabOptions): void {
  /** A recycled process lives on for the next boot. */
  const outlives = options.strategy === "recycle";
  let images: string;
  beforeAll(async () => {
    images = await buildFirmware();
  });
  const boards = readBoards().filter(({ metadata, spec }) => BOARDS.includes(metadata.name) && isWanted(options, spec));

  describe.each(boards.map((board) => [board.metadata.name, board] as const))("on %s", (name, { spec }) => {
    const shell = { format: "elf" as const, image: "" };

    async function booted(lab: BootLab, request: Partial<BootRequest> = {}) {
      shell.image = join(images, name, "shell.elf");
      const { boot, uarts } = await lab.boot(spec, { firmware: shell, ...request });
      const [console] = uarts;
      if (!console) throw new Error("a board without UART");
      return { boot, uarts, console };
    }

    test("the guest runs, its UART works both ways, and it ends with its exit code", async () => {
      await using lab = await createBootLab(options);
      const { boot, console } = await booted(lab);
      await boot.running;
      await console.until("> ");
      console.write("echo over there\n");
      await console.until("over there");
      console.write("exit 3\n");
      expect(await boot.exited).toEqual({ reason: "GuestExited", code: 3 });
      expect(boot.strategy).toBe(options.strategy ?? "spawn");
      expect(isAlive(boot.pid)).toBe(outlives);
    });

    test("each UART is the one that the board says", async () => {
      await using lab = await createBootLab(options);
      const { console, uarts } = await booted(lab);
      const second = uarts[1];
      if (!second) return;
      await console.until("> ");
      console.write("uart1 hello\n");
      await second.until("hello");
      second.write("x");
      await console.until("uart1 got x");
      for (const other of uarts.slice(2)) expect(other.text).toBe("");
    });

    test("no byte that the guest wrote before its end is missing when the end is told", async () => {
      await using lab = await createBootLab(options);
      const { boot, console } = await booted(lab);
      await console.until("> ");
      console.write("flood 128\n");
      console.write("exit 0\n");
      const exit = await boot.exited;
      const numbers = [...console.text.matchAll(/(\d{8})[A-Z]{55}$/gm)].map(([, number]) => Number(number));
      expect(exit.code ?? 0).toBe(0);
      expect(numbers).toEqual(Array.from({ length: 128 * 16 }, (_, index) => index));
      expect(console.isEnded).toBe(true);
    });

    if (spec.endings.includes("shutdown")) {
      test("a guest that switches its machine off is told from one that exits", async () => {
        await using lab = await createBootLab(options);
        const { boot, console } = await booted(lab);
        await console.until("> ");
        console.write("off\n");
        expect(await boot.exited).toEqual({ reason: "GuestShutdown" });
      });
    }

    test("a reset by the guest starts it again, and is told", async () => {
      await using lab = await createBootLab(options);
      const told: number[] = [];
      const { boot, console } = await booted(lab, { events: { onReset: (resets) => told.push(resets) } });
      await console.until("> ");
      console.write("reset\n");
      await console.until("> emufarm shell on ");
      // The event may come after the bytes: it travels on a line of its own.
      await expect.poll(() => boot.resets).toBe(1);
      expect(told).toEqual([1]);
    });

    test("a reset by the guest is the end where the job says so; one that was asked for is not", async () => {
      await using lab = await createBootLab(options);
      const { boot, console } = await booted(lab, { onReset: "end" });
      await console.until("> ");
      await boot.reset();
      await console.until("> emufarm shell on ");
      console.write("reset\n");
      expect(await boot.exited).toEqual({ reason: "GuestReset" });
      expect(console.text.split("emufarm shell on ")).toHaveLength(3);
    });

    test("a guest that is started paused says nothing until it is resumed", async () => {
      await using lab = await createBootLab(options);
      const told: string[] = [];
      const events = { onPaused: () => told.push("paused"), onResumed: () => told.push("resumed") };
      const { boot, console } = await booted(lab, { isPaused: true, events });
      await boot.running;
      expect(await boot.qmp.execute("query-status")).toMatchObject({ running: false });
      expect(console.text).toBe("");
      await boot.resume();
      await console.until("> ");
      await boot.pause();
      expect(told).toEqual(["resumed", "paused"]);
      console.write("echo awake\n");
      await boot.resume();
      await console.until("awake");
      expect(told).toEqual(["resumed", "paused", "resumed"]);
    });

    test("a guest that goes on for ever is stopped, as often as one asks", async () => {
      await using lab = await createBootLab(options);
      const { boot, console } = await booted(lab);
      await console.until("> ");
      console.write("hang\n");
      const exits = await Promise.all([boot.stop(), boot.stop(), boot.exited]);
      expect(exits).toEqual([{ reason: "Stopped" }, { reason: "Stopped" }, { reason: "Stopped" }]);
      expect(isAlive(boot.pid)).toBe(outlives);
      expect(console.isEnded).toBe(true);
    });

    test("a guest may be stopped before it has begun, and one that has ended keeps its end", async () => {
      await using lab = await createBootLab(options);
      const first = await booted(lab);
      expect(await first.boot.stop()).toEqual({ reason: "Stopped" });
      const second = await booted(lab, { boot: 2 });
      await second.console.until("> ");
      second.console.write("exit 7\n");
      await second.boot.exited;
      expect(await second.boot.stop()).toEqual({ reason: "GuestExited", code: 7 });
    });

    test("boots of a slot follow each other and leave nothing: no process, no socket, no file", async () => {
      await using lab = await createBootLab(options);
      for (const number of [1, 2, 3]) {
        const { boot, console } = await booted(lab, { boot: number });
        await console.until("> ");
        expect(console.text.match(/emufarm shell on /g)).toHaveLength(1);
        await boot[Symbol.asyncDispose]();
        expect(isAlive(boot.pid)).toBe(outlives);
        expect(readdirSync(lab.slot.folder)).toEqual([]);
      }
      await lab[Symbol.asyncDispose]();
      expect(existsSync(lab.folder)).toBe(false);
    });
  });
}

/** A board that is not proven for a strategy, or that the emulators of this folder lack, is not booted so. */
function isWanted({ searchPath, strategy = "spawn" }: BootLabOptions, { boot, emulator }: BoardSpec): boolean {
  if (searchPath && !searchPath.some((folder) => existsSync(join(folder, emulator.binary)))) return false;
  return strategy === "spawn" || strategy === "auto" || strategy === "live" || boot.proven.includes(strategy);
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
