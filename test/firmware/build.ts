import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";

const run = promisify(execFile);

const PROJECT = join(import.meta.dirname, "../..");
const KIT = join(PROJECT, "examples/firmware");

/** On the board that most tests use, every app; elsewhere those that are about the CPU or the machine. */
const TEST_APPS: readonly { readonly boards: readonly string[]; readonly apps: readonly string[] }[] = [
  {
    boards: ["mps2-an385"],
    apps: [
      "ansi",
      "binary",
      "bulk-output",
      "busy",
      "byte-counter",
      "compute",
      "echo",
      "flood",
      "interrupt-storm",
      "late-receive",
      "lockup",
      "long-line",
      "metronome",
      "no-newline",
      "pin-shim",
      "ram-left",
      "reset-loop",
      "semihosting-attack",
      "silent",
      "split-utf8",
      "ticker",
      "uart-off",
      "watchdog-left",
    ],
  },
  {
    boards: ["arm-virt"],
    apps: ["call-host", "flash-left", "late-receive", "ram-left", "reset-loop", "semihosting-attack", "uart-off"],
  },
  { boards: ["raspi2b"], apps: ["dma-endless", "dma-left", "fuse-left", "semihosting-attack"] },
  { boards: ["arm-virt", "q35", "raspi2b", "raspi3b"], apps: ["picture"] },
  { boards: ["riscv32-virt"], apps: ["break-seen"] },
  { boards: ["riscv64-virt"], apps: ["flash-left", "late-receive", "ram-left", "semihosting-attack"] },
  { boards: ["sifive-u"], apps: ["fuse-left", "sd-left"] },
  { boards: ["sifive-e"], apps: ["late-receive", "semihosting-attack", "uart-off"] },
  {
    boards: [
      "ast1030-evb",
      "b-l475e-iot01a",
      "lm3s6965evb",
      "microbit",
      "mps2-an386",
      "raspi2b",
      "raspi3b",
      "sifive-e",
      "sifive-u",
    ],
    apps: ["pins"],
  },
];

/** What the projects with a diagram.json run (examples/diagrams). */
const PIN_APPS = {
  boards: ["microbit", "b-l475e-iot01a", "sifive-e", "lm3s6965evb"],
  apps: ["blink", "button", "follow", "digits", "lights"],
};

/** With symbols, and lines for debuggers: one board for each architecture. */
const DEBUGGED_BOARDS = ["mps2-an385", "arm-virt", "q35", "riscv32-virt", "riscv64-virt", "uno"];

/** What the compilers call themselves, one on a line: what `examples/images/TOOLCHAIN` records. */
export async function toolchain(): Promise<string> {
  const { stdout } = await run("make", ["-s", "-C", KIT, "toolchain"]);
  return stdout;
}

let building: Promise<string> | undefined;

/**
 * Builds the firmware of the examples for all boards and that of the tests, unless that has been done before.
 *
 * @returns the folder with `BOARD/APP.elf`
 */
export async function buildFirmware(): Promise<string> {
  building ??= buildOnce();
  return await building;
}

async function buildOnce(): Promise<string> {
  const folder = join(ownCacheFolder(), "firmware", sourceHash(await toolchain()));
  if (existsSync(folder)) return folder;
  await mkdir(join(folder, ".."), { recursive: true });
  const fresh = await mkdtemp(`${folder}.`);
  try {
    await make(fresh, []);
    for (const { boards, apps } of TEST_APPS) {
      await make(fresh, [`APP_DIR=${import.meta.dirname}`, `BOARDS=${boards.join(" ")}`, `APPS=${apps.join(" ")}`]);
    }
    await make(fresh, ["APP_DIR=pins", `BOARDS=${PIN_APPS.boards.join(" ")}`, `APPS=${PIN_APPS.apps.join(" ")}`]);
    const debugged = ["DEBUG=1", "APPS=debugged", `BOARDS=${DEBUGGED_BOARDS.join(" ")}`];
    await make(fresh, [`APP_DIR=${import.meta.dirname}`, ...debugged]);
    // Emulators run under users of their own.
    await chmod(fresh, 0o755);
    await rename(fresh, folder);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    // Another process was first; the same sources give the same images.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

async function make(out: string, variables: readonly string[]): Promise<void> {
  await run("make", ["-s", `-j${availableParallelism()}`, "-C", KIT, `OUT=${out}`, ...variables]);
}

function sourceHash(compilers: string): string {
  const hash = createHash("sha256").update(compilers);
  const patterns = ["examples/firmware/**/*.*", "examples/firmware/Makefile", "test/firmware/*.*"];
  for (const path of globSync(patterns, { cwd: PROJECT }).sort()) {
    hash.update(`${path}\0`).update(readFileSync(join(PROJECT, path)));
  }
  return hash.digest("hex").slice(0, 16);
}
