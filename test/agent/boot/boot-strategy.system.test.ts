import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { createBootLab } from "./boot-lab.ts";
import { testBootStrategy } from "./boot-strategy-conformance.ts";

const board = readBoards().find(({ metadata }) => metadata.name === "mps2-an385");

describe("spawn", () => testBootStrategy({}));
describe("spare", () => testBootStrategy({ strategy: "spare" }));

/** Folder of the farm's own QEMU; what it takes is tested where it is built. */
const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

describe("in the farm's own QEMU", () => {
  if (FARM_QEMU === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }
  const searchPath = [FARM_QEMU];
  describe("spawn", () => testBootStrategy({ searchPath }));
  describe("spare", () => testBootStrategy({ searchPath, strategy: "spare" }));
  describe("recycle", () => testBootStrategy({ searchPath, strategy: "recycle" }));

  test("a process that has run one tenant's guest is never another's: it is ended, and the other has one of its own", async () => {
    if (!board) throw new Error("there is no such board");
    await using lab = await createBootLab({ searchPath, strategy: "recycle" });
    const firmware = { format: "elf" as const, image: join(await buildFirmware(), "mps2-an385", "shell.elf") };
    const bootFor = async (tenant: string) => {
      const { boot, uarts } = await lab.start(board.spec, { firmware, tenant });
      await uarts[0]?.until("> ");
      await boot[Symbol.asyncDispose]();
      return { pid: boot.pid, strategy: boot.strategy };
    };
    const first = await bootFor("a");
    expect(await bootFor("a")).toEqual({ pid: first.pid, strategy: "recycle" });
    const other = await bootFor("b");
    expect(other.strategy).toBe("spawn");
    expect(other.pid).not.toBe(first.pid);
    expect(await lab.emulatorPids()).toEqual([other.pid]);
    expect((await bootFor("a")).pid).not.toBe(other.pid);
  });

  test("a snapshot of one tenant's guest is never restored for another, who has one made anew", async () => {
    if (!board) throw new Error("there is no such board");
    await using lab = await createBootLab({ searchPath, strategy: "snapshot" });
    const image = join(await buildFirmware(), "mps2-an385", "shell.elf");
    const firmware = { format: "elf" as const, image, identity: "shell" };
    const ready = { uart: "uart0", pattern: "> " };
    const kept: string[][] = [];
    for (const tenant of ["a", "a", "b"]) {
      const { boot } = await lab.start({ ...board.spec, ready }, { firmware, tenant });
      await boot.running;
      expect(boot.strategy).toBe("snapshot");
      await boot[Symbol.asyncDispose]();
      kept.push(await readdir(join(lab.folder, "snapshots")));
    }
    expect(kept.map(({ length }) => length)).toEqual([1, 1, 2]);
  });

  test("a guest that is stopped stands still at once, and is told so no more than once", async () => {
    if (!board) throw new Error("there is no such board");
    await using lab = await createBootLab({ searchPath, strategy: "recycle" });
    const firmware = { format: "elf" as const, image: join(await buildFirmware(), "mps2-an385", "shell.elf") };
    const { boot, uarts } = await lab.boot(board.spec, { firmware });
    await uarts[0]?.until("> ");
    const asked = vi.spyOn(boot.qmp, "execute");
    const stopped = boot.stop();
    expect(asked.mock.calls.map(([command]) => command)).toEqual(["stop"]);
    expect(await stopped).toEqual({ reason: "Stopped" });
    await boot[Symbol.asyncDispose]();
    expect(asked.mock.calls).toHaveLength(1);
    expect(lab.strategy.rank(lab.slot, { tenant: "test", boardName: "board" })).toBe(2);
  });
});

test("a spare that dies while it waits is not missed: the next boot starts its own", async () => {
  if (!board) throw new Error("there is no such board");
  await using lab = await createBootLab({ strategy: "spare" });
  const firmware = { format: "elf" as const, image: join(await buildFirmware(), "mps2-an385", "shell.elf") };
  const first = await lab.boot(board.spec, { firmware });
  await first.boot[Symbol.asyncDispose]();
  const wanted = { tenant: "test", boardName: "board" };
  await expect.poll(() => lab.strategy.rank(lab.slot, wanted)).toBe(2);
  const [waiting] = await lab.emulatorPids();
  expect(readFileSync(`/proc/${waiting}/cmdline`, "utf8")).toContain("-preconfig");
  process.kill(Number(waiting), "SIGKILL");
  await expect.poll(() => lab.strategy.rank(lab.slot, wanted)).toBe(1);
  const next = await lab.start(board.spec, { firmware });
  await next.uarts[0]?.until("> ");
  expect(next.boot.strategy).toBe("spawn");
});
