import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, image, PROJECT, type StartedCli } from "../cli-place.ts";

const BOARD = "mps2-an385";
const HELLO = image(BOARD, "hello");
const SHELL = image(BOARD, "shell");

let place: CliPlace;
let farm: StartedCli | undefined;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  await farm.said("is up");
});

afterAll(async () => {
  farm?.signal("SIGTERM");
  await farm?.result;
  place[Symbol.dispose]();
});

const WHERE = [
  ["without a farm", ["--no-farm"]],
  ["on a running farm", []],
] as const;

describe.each(WHERE)("emufarm run %s", (_where, where) => {
  const run = (args: readonly string[], options = {}) => place.run(["run", ...args, ...where], options);

  it("writes to standard output just what bare QEMU writes, and its own words to standard error", async () => {
    const bare = await promisify(execFile)("qemu-system-arm", [
      ...["-M", BOARD, "-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio"],
      ...["-semihosting-config", "enable=on,target=native", "-kernel", HELLO],
    ]);
    const { code, stdout, stderr } = await run([BOARD, HELLO]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: bare.stdout });
    expect(stderr).toMatch(/^emufarm: passed in /);
  });

  it.each([
    ["a suite that fails", [BOARD, image(BOARD, "unity-fail")], 1, "NonZeroExit"],
    ["text that must not come", [BOARD, HELLO, "--fail-text", "boot ok"], 1, "FailPatternMatched"],
    ["text that came", [BOARD, HELLO, "--expect-text", "boot ok"], 0, "passed"],
    ["an image for another processor", [BOARD, image("riscv32-virt", "hello")], 2, "FirmwareArchitecture"],
    ["an unknown board", ["mps2-an358", HELLO], 2, "Did you mean mps2-an385?"],
    ["a board and an image the other way round", [HELLO, BOARD], 2, `the board comes first, emufarm run ${BOARD}`],
    ["a board without an image", [BOARD], 2, "an image is missing"],
    ["a file that is not there", [BOARD, "none.elf"], 2, "There is no file none.elf. [NotFound]"],
    ["an unknown option", [BOARD, HELLO, "--tiemout", "1s"], 2, "--timeout"],
    ["a timeout", [BOARD, SHELL, "--expect-text", "never", "--timeout", "1s"], 42, "JobTimeout"],
    ["a timeout with a code", [BOARD, SHELL, "--timeout", "1s", "--timeout-exit-code", "7"], 7, "JobTimeout"],
    ["a timeout that is none", [BOARD, SHELL, "--timeout", "soon"], 2, "such as 90s"],
    ["a log file that cannot be written", [BOARD, HELLO, "--serial-log-file", "no/serial.log"], 2, "[InvalidRequest]"],
    [
      "a UART that the board has not",
      [BOARD, HELLO, "--uart", "uart9"],
      2,
      "uart9 of board mps2-an385, which has uart0",
    ],
    ["a guest that says nothing", ["microbit", HELLO, "--timeout", "5s"], 1, "is the image made for this board"],
  ] as const)("ends after %s with its exit code and words", async (_what, args, expected, words) => {
    const { code, stderr } = await run(args);
    expect(stderr).toContain(words);
    expect(code).toBe(expected);
  });

  it("refuses a broken scenario with file, line, column and what was expected", async () => {
    const scenario = join(place.folder, "broken.scenario.yaml");
    await writeFile(scenario, "version: 1\nsteps:\n  - wait-serail: ok\n");
    const { code, stderr } = await run([BOARD, HELLO, "--scenario", scenario]);
    expect(code).toBe(2);
    expect(stderr).toContain("broken.scenario.yaml");
    expect(stderr).toMatch(/3:\d+.*wait-serail.*wait-serial/s);
  });

  it("shows a failure on the spot: step, expectation, end of the guest, last lines, the command again", async () => {
    const scenario = join(PROJECT, "examples/scenarios/crash.scenario.yaml");
    const { code, stderr } = await run([BOARD, SHELL, "--scenario", scenario]);
    expect(code).toBe(1);
    expect(stderr).toContain("GuestCrashed");
    expect(stderr).toMatch(/guest it crashed \(SIGABRT/);
    expect(stderr).toContain("│ emufarm shell on mps2-an385");
    expect(stderr).toContain(`again emufarm run --data ${place.data} ${BOARD} ${SHELL} --scenario ${scenario}`);
  });

  it("joins standard input with -i, and ends with the guest's exit code where asked", async () => {
    const { code, stdout } = await run([BOARD, SHELL, "-i", "--exit-code", "guest"], { input: "exit 7\n" });
    expect(stdout).toContain("emufarm shell on mps2-an385");
    expect(code).toBe(7);
  });

  it("keeps a log of the UART in a file, byte for byte", async () => {
    const log = join(place.folder, `serial-${where.length}.log`);
    const { stdout } = await run([BOARD, HELLO, "--serial-log-file", log]);
    expect(await readFile(log, "utf8")).toBe(stdout);
  });

  it("tells the result as JSON on standard output alone", async () => {
    const { stdout, stderr } = await run([BOARD, HELLO, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "passed", result: { exit: { reason: "GuestExited" } } });
    expect(stderr).toContain("boot ok");
  });

  it("ends by an interruption with 130, and leaves no emulator", async () => {
    const started = place.start(["run", BOARD, SHELL, ...where]);
    await started.said("emufarm shell");
    started.signal("SIGINT");
    const { code, stderr } = await started.result;
    expect(stderr).toContain("emufarm: stopping the guest; Ctrl-C again ends at once, by force\n");
    expect(code).toBe(130);
    if (where.length > 0) expect(place.processes().filter(({ command }) => command.includes("run-"))).toEqual([]);
  });

  it("runs again when the image changes, until it is interrupted", async () => {
    const watched = join(place.folder, `watched-${where.length}.elf`);
    await copyFile(HELLO, watched);
    const started = place.start(["run", BOARD, watched, "--watch", ...where]);
    await started.said("to change");
    await copyFile(image(BOARD, "unity-fail"), watched);
    await started.said("to change", 2);
    await writeFile(watched, "");
    await started.said("to change", 3);
    started.signal("SIGINT");
    const { code, stderr } = await started.result;
    expect(stderr).toContain("emufarm: passed");
    expect(stderr).toContain("NonZeroExit");
    expect(stderr).toContain("FirmwareEmpty");
    expect(code).toBe(130);
  });
});

describe("emufarm run", () => {
  it("runs from the bundle as from the sources", async (context) => {
    if (!existsSync(join(PROJECT, "dist/cli/main.js"))) return context.skip("the bundle is not built: npm run build");
    const program = [join(PROJECT, "bin/emufarm")];
    for (const where of [["--no-farm"], []]) {
      const { code, stdout } = await place.run(["run", BOARD, HELLO, ...where], { program });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "boot ok\n" });
    }
  });

  it("takes a board from a YAML file of one's own", async () => {
    const text = await readFile(join(PROJECT, `manifests/boards/${BOARD}.yaml`), "utf8");
    const file = join(place.folder, "my-board.yaml");
    await writeFile(file, text.replace(`name: ${BOARD}`, "name: my-board"));
    const { code, stdout } = await place.run(["run", file, HELLO]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "boot ok\n" });
  });

  it("ends with 3 where the farm refuses the token", async () => {
    const tokenFile = join(place.folder, "wrong");
    await writeFile(tokenFile, "wrong");
    const { code, stderr } = await place.run(["run", BOARD, HELLO, "--token-file", tokenFile]);
    expect(stderr).toContain("[Unauthenticated]");
    expect(code).toBe(3);
  });

  it("ends with 5 where no farm answers", async () => {
    const { code, stderr } = await place.run(["run", BOARD, HELLO, "--farm", "http://127.0.0.1:9"]);
    expect(stderr).toContain("emufarm up. [FarmNotRunning]");
    expect(code).toBe(5);
  });

  it("leaves nothing of a private agent", async () => {
    using own = new CliPlace();
    expect((await own.run(["run", BOARD, HELLO])).code).toBe(0);
    expect(own.processes()).toEqual([]);
    expect(own.runtimeFiles()).toEqual([]);
  });

  it("leaves no process when it is killed, and the next call removes its files", async () => {
    using own = new CliPlace();
    const started = own.start(["run", BOARD, SHELL]);
    await started.said("emufarm shell");
    started.signal("SIGKILL");
    await started.result;
    await expect.poll(() => own.processes(), { timeout: 20_000 }).toEqual([]);
    await own.run(["run", BOARD, HELLO]);
    expect(own.runtimeFiles()).toEqual([]);
  });

  it("runs from another folder, with paths relative to it", async () => {
    using own = new CliPlace();
    await copyFile(HELLO, join(own.folder, "hello.elf"));
    const { code } = await own.run(["run", BOARD, "hello.elf"], { cwd: own.folder });
    expect(code).toBe(0);
  });

  it("runs from a checkout whose path has 200 characters", async () => {
    using own = new CliPlace();
    const name = "a".repeat(200 - own.folder.length - 1);
    const checkout = join(own.folder, name);
    await mkdir(checkout);
    for (const part of ["src", "manifests", "package.json"]) {
      await cp(join(PROJECT, part), join(checkout, part), { recursive: true });
    }
    await symlink(join(PROJECT, "node_modules"), join(checkout, "node_modules"));
    const program = [process.execPath, join(checkout, "src/cli/main.ts")];
    const { code, stderr } = await own.run(["run", BOARD, HELLO], { program, cwd: checkout });
    expect(stderr).toContain("passed");
    expect(code).toBe(0);
  });
});
