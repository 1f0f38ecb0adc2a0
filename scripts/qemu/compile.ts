/** configure and ninja, one emulator after another. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { SetupError } from "../setup/say.mjs";
import type { Steps } from "./steps.ts";

/** Lines of a failed program that are shown. */
const SHOWN_LINES = 40;
/** How often the way through a long compilation is told. */
const TOLD_SHARE = 0.2;

export interface Compilation {
  readonly tree: string;
  readonly build: string;
  /** Folder of Meson's Python modules. */
  readonly meson: string;
  readonly flags: readonly string[];
  readonly sourceDateEpoch: number;
}

/** The arguments of configure, one a line of `configure-flags`. */
export function configureFlags(images: string): string[] {
  const lines = readFileSync(join(images, "configure-flags"), "utf8").split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** Names such as `arm`, in the order of `--target-list`. */
export function targetsOf(flags: readonly string[]): string[] {
  const list = flags.find((flag) => flag.startsWith("--target-list="))?.slice("--target-list=".length) ?? "";
  return list.split(",").flatMap((target) => /^(\w+)-softmmu$/.exec(target)?.[1] ?? []);
}

/** Leaves the emulators in the build folder. What an interrupted build had done is not done again. */
export async function compile(compilation: Compilation, steps: Steps): Promise<void> {
  await configure(compilation, steps);
  const targets = targetsOf(compilation.flags);
  for (const [index, target] of targets.entries()) {
    const program = `qemu-system-${target}`;
    await ninja(compilation, [program], `compiling ${program} (${index + 1} of ${targets.length})`, steps);
  }
}

/** Makes the build folder, unless that has been done. */
export async function configure(compilation: Compilation, { tell }: Steps): Promise<void> {
  const { build, tree, flags } = compilation;
  const configured = join(build, "emufarm-configured");
  if (existsSync(configured)) return;
  tell("configuring");
  rmSync(build, { recursive: true, force: true });
  mkdirSync(build, { recursive: true });
  // The folder that it is built in must not be seen in what is built.
  const map = `--extra-cflags=-ffile-prefix-map=${tree}=../source`;
  await run(compilation, join(tree, "configure"), ["--python=/usr/bin/python3", ...flags, map]);
  writeFileSync(configured, "");
}

/** Makes these files of the build folder. */
export async function ninja(
  compilation: Compilation,
  files: readonly string[],
  title: string,
  { tell }: Steps,
): Promise<void> {
  tell(title);
  let told = 0;
  await run(compilation, "ninja", ["-j", String(availableParallelism()), ...files], (line) => {
    const [, done = 0, all = 1] = /^\[(\d+)\/(\d+)\]/.exec(line)?.map(Number) ?? [];
    if (done / all < told + TOLD_SHARE || done === all) return;
    told = done / all;
    tell(`${title}: ${Math.round(told * 100)} %`);
  });
}

/** Compiler flags and the like of whoever calls have no part in the build. */
export function buildEnvironment({ meson, sourceDateEpoch }: Compilation): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR } = process.env;
  return {
    ...{ PATH, HOME, TMPDIR },
    LC_ALL: "C.UTF-8",
    PYTHONPATH: meson,
    PYTHONDONTWRITEBYTECODE: "1",
    // decodetree.py writes sets as they come: in another order each time, unless the seed is set.
    PYTHONHASHSEED: "0",
    SOURCE_DATE_EPOCH: String(sourceDateEpoch),
  };
}

async function run(
  compilation: Compilation,
  program: string,
  args: readonly string[],
  onLine?: (line: string) => void,
): Promise<void> {
  const child = execa(program, args, {
    cwd: compilation.build,
    extendEnv: false,
    env: buildEnvironment(compilation),
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
  });
  const last: string[] = [];
  for await (const line of createInterface({ input: child.all })) {
    onLine?.(line);
    last.push(line);
    if (last.length > SHOWN_LINES) last.shift();
  }
  const { failed, exitCode, signal, shortMessage } = await child;
  if (!failed) return;
  process.stderr.write(`${last.join("\n")}\n`);
  const how = exitCode === undefined ? (signal ?? shortMessage) : `exit code ${exitCode}`;
  throw new SetupError(`${program.split("/").at(-1)} ${args.at(-1)} failed (${how}); its last words are above`);
}
