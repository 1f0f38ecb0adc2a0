import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { isElf } from "../../core/firmware/elf.ts";
import { openLocalSocket } from "../channel/local-socket.ts";
import { openTarget } from "../channel/open-target.ts";
import type { Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import { makePrivateFolder } from "../farm/private-folder.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { architectureCommands, findGdb } from "./gdb-program.ts";
import { launchJson, serverOf, WORKSPACE } from "./launch-json.ts";
import { openGdbPort, USUAL_PORT, WAITING } from "./offer-gdb.ts";

interface GdbOptions extends FarmOptions {
  readonly symbols?: string;
  readonly port?: number | true;
  readonly vscode?: true;
}

/** `emufarm gdb`: a debugger at a board, wherever that runs. */
export async function gdb(
  surroundings: Surroundings,
  name: string,
  args: readonly string[],
  options: GdbOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, name, options);
  if (options.vscode) return await printLaunch(surroundings, name, target, options);
  if (options.port !== undefined) return await offer(surroundings, target, portOf(options));
  return await debug(surroundings, target, args, options);
}

/** A gdb in this terminal. Its socket lies in a folder that nobody else can enter. */
async function debug(
  surroundings: Surroundings,
  target: Target,
  args: readonly string[],
  { symbols }: GdbOptions,
): Promise<number> {
  const { cwd, stderr } = surroundings;
  const { architecture } = (await target.board()).spec;
  const program = findGdb(surroundings, architecture);
  await using folder = await makePrivateFolder(surroundings);
  const elf = symbols === undefined ? await fetchSymbols(target, folder.path) : resolve(cwd, symbols);
  if (elf === undefined) stderr.write("emufarm: the firmware is no ELF: --symbols FILE names one\n");
  const socket = join(folder.path, "gdb.sock");
  const onProblem = (problem: string) => void stderr.write(`emufarm: ${problem}\n`);
  await using _bridge = await openLocalSocket(target, { path: "gdb", at: `unix:${socket}`, cwd, onProblem });
  const commands = [...architectureCommands(architecture), `target remote ${socket}`];
  const first = commands.flatMap((command) => ["-ex", command]);
  return await inTerminal(surroundings, program, [...first, ...args, ...(elf === undefined ? [] : [elf])]);
}

/** The image that the board runs, as a file; undefined for one without room for symbols. */
async function fetchSymbols(target: Target, folder: string): Promise<string | undefined> {
  const path = join(folder, "firmware.elf");
  await using file = await open(path, "w", 0o600);
  let isFirst = true;
  for await (const chunk of target.bytes({ method: "GET", path: "firmware" })) {
    if (isFirst && !isElf(chunk)) return undefined;
    isFirst = false;
    await file.write(chunk);
  }
  return isFirst ? undefined : path;
}

/** Ctrl-C is for the program. */
async function inTerminal(surroundings: Surroundings, program: string, args: readonly string[]): Promise<number> {
  using _yielded = surroundings.yieldTerminal();
  const child = spawn(program, args, { cwd: surroundings.cwd, stdio: "inherit" });
  const stop = () => void child.kill();
  surroundings.interrupted.addEventListener("abort", stop, { once: true });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? EXIT.interrupted;
  } catch (cause) {
    throw new FarmError("DebuggerMissing", { program, advice: (cause as Error).message }, { cause });
  } finally {
    surroundings.interrupted.removeEventListener("abort", stop);
  }
}

async function offer(surroundings: Surroundings, target: Target, port: number): Promise<number> {
  const { stderr, interrupted } = surroundings;
  await using offered = await openGdbPort(surroundings, target, port);
  stderr.write(`emufarm: ${target.name}: ${WAITING} at ${offered.address}; Ctrl-C ends\n`);
  if (!interrupted.aborted) await once(interrupted, "abort");
  return EXIT.passed;
}

async function printLaunch(
  surroundings: Surroundings,
  name: string,
  target: Target,
  options: GdbOptions,
): Promise<number> {
  const { stdout, stderr, cwd } = surroundings;
  const { architecture } = (await target.board()).spec;
  const port = portOf(options);
  if (options.symbols === undefined)
    stderr.write(
      "emufarm: VS Code takes symbols from a file: write your ELF's path as program, or give --symbols FILE\n",
    );
  const launch = launchJson({
    name: `${target.name} (emufarm)`,
    program: options.symbols === undefined ? `${WORKSPACE}/firmware.elf` : resolve(cwd, options.symbols),
    gdb: findGdb(surroundings, architecture),
    architecture,
    port,
    server: serverOf(surroundings),
    serverArguments: ["gdb", name, ...placeOf(options), "--port", String(port)],
  });
  stdout.write(launch);
  return EXIT.passed;
}

function portOf({ port }: GdbOptions): number {
  return typeof port === "number" ? port : USUAL_PORT;
}

/** The farm or cluster that was named, for the command that VS Code will call. */
function placeOf({ farm, tokenFile, data, context, namespace, kubeconfig }: GdbOptions): string[] {
  const given = { farm, "token-file": tokenFile, data, context, namespace, kubeconfig };
  return Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}`, value]));
}
