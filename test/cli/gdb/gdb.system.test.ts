import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { debuggedImage, runGdb } from "../../agent/gdb/gdb-lab.ts";
import { CliPlace, image, PROJECT, type StartedCli } from "../cli-place.ts";
import { readmeCommands } from "../readme-commands.ts";

const BOARD = "mps2-an385";
const COMMANDS = ["-batch", "-nx", "-ex", "set confirm off"];

let place: CliPlace;
let farm: StartedCli;
let elf: string;

beforeAll(async () => {
  elf = await debuggedImage(BOARD);
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  await farm.said("is up");
});

afterAll(async () => {
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

/** The port that a command says it offers. */
async function offeredBy(command: StartedCli): Promise<string> {
  await command.said("'\n");
  return /target remote ([\d.:]+)'/.exec(command.stderr)?.[1] ?? "";
}

test.for([
  { way: "without a farm", options: ["--no-farm"] },
  { way: "on a farm", options: [] },
])("emufarm run --gdb $way waits at the first instruction, and the timeout stands still", async ({ options }) => {
  const run = place.start(["run", BOARD, elf, "--gdb", "0", "--timeout", "4s", ...options], { env: {} });
  const target = await offeredBy(run);
  const said = await runGdb(elf, target, [
    ...["info registers pc", "break main", "continue", "backtrace"],
    // Longer than the whole timeout.
    "python import time; time.sleep(5)",
    "detach",
  ]);
  expect(said).toMatch(/pc .*<_start>/);
  expect(said).toMatch(/Breakpoint 1, main \(\)/);
  await run.said("debugged\n");
  // It waits for input that never comes.
  expect((await run.result).code).toBe(42);
});

test("emufarm gdb JOB starts gdb with the firmware's own symbols, and a kill ends the job", async () => {
  const run = place.start(["run", BOARD, elf, "-i"]);
  await run.said("debugged");
  const [{ id }] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
  const job = `${id}-000000`;
  const commands = ["print counter", "info line triple", "monitor info status", "monitor quit", "detach"];
  const session = await place.run(["gdb", job, "--", ...COMMANDS, ...commands.flatMap((one) => ["-ex", one])]);
  expect(session.stdout).toMatch(/\$1 = 0/);
  expect(session.stdout).toMatch(/Line \d+ of ".*debugged.c"/);
  expect(session.stdout + session.stderr).toContain("VM status: paused");
  expect(session.stdout + session.stderr).toContain("does not take quit");
  const launch = JSON.parse((await place.run(["gdb", job, "--vscode", "--symbols", elf])).stdout);
  expect(launch.configurations).toMatchObject([
    {
      ...{ type: "cppdbg", program: elf, MIMode: "gdb", miDebuggerPath: "gdb-multiarch" },
      ...{ miDebuggerServerAddress: "127.0.0.1:1234", debugServerArgs: `gdb ${job} --port 1234` },
    },
  ]);
  await place.run(["gdb", job, "--", ...COMMANDS, "-ex", "kill"]);
  expect((await run.result).stderr).toContain("a debugger killed the guest");
});

test.for([
  ["uno", "set can-use-hw-watchpoints 0"],
  ["microbit", "target remote "],
] as const)("emufarm gdb starts what EMUFARM_GDB names, with what %s needs first", async ([board, first]) => {
  const program = join(place.folder, "gdb-that-is-named");
  await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  expect(await place.run(["start", board, image(board, "shell"), "--name", board])).toMatchObject({ code: 0 });
  const { stdout, code } = await place.run(["gdb", board, "--", "-batch"], { env: { EMUFARM_GDB: program } });
  expect(code).toBe(0);
  const [, command, ...others] = stdout.split("\n");
  expect(command?.startsWith(first)).toBe(true);
  expect(others.slice(-3, -1)).toEqual(["-batch", expect.stringMatching(/firmware.elf$/)]);
  expect(await place.run(["delete", board])).toMatchObject({ code: 0 });
});

test("the README's breakpoint is met, command by command", async () => {
  const [start = [], debug = []] = readmeCommands("Set a breakpoint");
  await copyFile(elf, join(place.folder, "app.elf"));
  const here = { cwd: place.folder };
  expect(await place.run(start, here)).toMatchObject({ code: 0 });
  const { stdout } = await place.run([...debug, "-nx", "-batch"], here);
  expect(stdout).toMatch(/Breakpoint 1, main \(\)/);
  expect(stdout).toMatch(/#0 +main \(\)/);
  expect(await place.run(["delete", "sensor"])).toMatchObject({ code: 0 });
});

test("emufarm run --vscode prints a launch.json that starts the farm's side by itself", async () => {
  const { stdout, code } = await place.run(["run", BOARD, elf, "--vscode"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).configurations[0]).toMatchObject({
    debugServerPath: `${PROJECT}/bin/emufarm`,
    debugServerArgs: `run ${BOARD} ${elf} --gdb 1234`,
    serverStarted: "waiting for a debugger",
  });
});

test("a gdb that is not there is named, with what to install", async () => {
  const { stderr, code } = await place.run(["run", BOARD, elf, "--vscode"], { env: { PATH: "/nowhere" } });
  expect(code).toBe(2);
  expect(stderr).toContain("There is no gdb-multiarch in PATH. Install it (Debian: apt-get install gdb-multiarch)");
});
