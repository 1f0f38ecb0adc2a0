import { existsSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CliPlace, image, PROJECT, type StartedCli } from "../cli-place.ts";

const BOARD = "mps2-an385";
const MAIN = join(PROJECT, "src/cli/main.ts");
const USE_PORT = join(PROJECT, "test/agent/uart/tools/use_port.py");

let place: CliPlace;
let farm: StartedCli;
let shell: StartedCli;
let job: string;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  await farm.said("is up");
  shell = place.start(["run", BOARD, image(BOARD, "shell"), "--timeout", "30m", "-i"]);
  await shell.said("> ");
  const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
  job = `${run.id}-000000`;
});

afterAll(async () => {
  await place.run(["cancel", job]);
  await shell.result;
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

/** A program on a terminal of its own, which passes on what is written to it. */
function onTerminal(command: string): StartedCli {
  return place.start([], { program: ["script", "-qfec", command, "/dev/null"], env: { TERM: "xterm", USER: "ann" } });
}

function consoleCommand(...args: string[]): string {
  return [process.execPath, MAIN, "console", job, ...args].map((word) => `'${word}'`).join(" ");
}

const CTRL_A = "\x01";

describe("emufarm console", () => {
  test("shows what was said, passes keys on, and its escape key takes the pen, breaks, resets and detaches", async () => {
    const console = onTerminal(consoleCommand());
    const type = (keys: string) => console.child.stdin.write(keys);
    await console.said(`attached to uart0 of ${job}; Ctrl-A x detaches`);
    await console.said("emufarm shell");
    type("echo typed here\r");
    await console.said("typed here", 1);
    type(`${CTRL_A}h`);
    await console.said("t takes the pen, b sends a break, r resets the board");
    type(`${CTRL_A}b`);
    type(`${CTRL_A}r`);
    await console.said("emufarm: resetting the board");
    await console.said("emufarm shell", 2);
    type(`${CTRL_A}x`);
    const { code, stdout } = await console.result;
    expect(stdout).toContain("emufarm: detached");
    expect(code).toBe(0);
  });

  test("says who writes, whom the pen was taken from, and lets the other read on", async () => {
    const first = onTerminal(consoleCommand("--no-replay", "--escape", "ctrl-]"));
    await first.said("Ctrl-] x detaches");
    first.child.stdin.write("echo first\r");
    await first.said("first");
    const second = onTerminal(consoleCommand("--no-replay"));
    await second.said("ann@");
    await second.said("writes: you read only; Ctrl-A t takes the pen");
    second.child.stdin.write("x");
    await second.said("a byte was not taken: somebody else writes");
    second.child.stdin.write(`${CTRL_A}t`);
    await first.said("has taken the pen");
    second.child.stdin.write("echo second\r");
    await first.said("second");
    const taken = place.start(["console", job, "--take", "--raw"]);
    await second.said("has taken the pen");
    taken.child.stdin.write("echo by the third\n");
    await second.said("by the third");
    // One that dies with the pen leaves it to the next.
    taken.signal("SIGKILL");
    await taken.result;
    await second.said("the pen is free");
    second.child.stdin.write("echo second again\r");
    await first.said("second again");
    for (const one of [first, second]) one.child.stdin.write(one === first ? "\x1dx" : `${CTRL_A}x`);
    expect([(await first.result).code, (await second.result).code]).toEqual([0, 0]);
  });

  test("shows several UARTs side by side, with times, and no replay where none is wanted", async () => {
    const console = place.start(["console", job, "--uart", "all", "--no-replay", "--timestamps", "elapsed"]);
    await shell.said("> ");
    console.child.stdin.write("echo side by side\n");
    await console.said("side by side");
    console.signal("SIGINT");
    const { code, stdout } = await console.result;
    expect(stdout).toMatch(/^\[ +\d+\.\d{3}\] uart0 \| .*side by side/m);
    expect(stdout).not.toContain("emufarm shell");
    expect(code).toBe(0);
  });

  test("writes nothing where it shall only read", async () => {
    const console = place.start(["console", job, "--read-only", "--raw"]);
    console.child.stdin.write("echo not to be seen\n");
    const other = place.start(["console", job, "--take", "--no-replay", "--raw"]);
    other.child.stdin.write("echo to be seen\n");
    await console.said("to be seen");
    for (const one of [console, other]) one.signal("SIGTERM");
    expect((await console.result).stdout).not.toContain("not to be seen");
    await other.result;
  });

  test("ends once a pipe has said all and the guest has answered; without any input it stays", async () => {
    const script = ["console", job, "--raw", "--take", "--no-replay", "--linger", "5s"];
    const piped = await place.run(script, { input: "echo from a pipe\n" });
    expect(piped).toMatchObject({ code: 0, stderr: "" });
    expect(piped.stdout).toMatch(/^from a pipe\r?$/m);
    const reading = place.start(["console", job, "--raw", "--read-only", "--linger", "1ms"], { input: "" });
    const service = place.start([], { program: ["sh", "-c", `exec ${consoleCommand("--linger", "1ms")} </dev/null`] });
    for (const one of [reading, service]) await one.said("emufarm shell");
    await place.run(script, { input: "echo still here\n" });
    for (const one of [reading, service]) {
      await one.said("still here");
      one.signal("SIGTERM");
      expect((await one.result).code).toBe(0);
    }
  });

  test("stays at an instance over another firmware and a reset, and is told why it ends", async () => {
    const other = join(place.folder, "other.elf");
    writeFileSync(other, Buffer.concat([readFileSync(image(BOARD, "shell")), Buffer.of(0)]));
    expect((await place.run(["start", BOARD, image(BOARD, "shell"), "--name", "desk"])).code).toBe(0);
    const console = place.start(["console", "desk"]);
    await console.said("emufarm shell");
    expect((await place.run(["flash", "desk", other])).code).toBe(0);
    await console.said("the board is on: boot 2");
    await console.said("emufarm shell", 2);
    expect((await place.run(["reset", "desk"])).code).toBe(0);
    await console.said("emufarm shell", 3);
    console.child.stdin.write("echo by the same console\n");
    await console.said("by the same console");
    await place.run(["delete", "desk"]);
    const { code, stderr } = await console.result;
    expect(stderr).toContain("emufarm: the instance was deleted");
    expect(code).toBe(0);
  });

  test.each([
    [["--escape", "F1"], "F1 is no key"],
    [["uart7"], "uart7"],
    [["--uart", "all", "--pty", "/tmp/never"], "--pty is a device for one UART"],
    [["--pty", PROJECT], "something else is there already"],
  ])("%j is refused in words", async (args, words) => {
    const { code, stderr } = await place.run(["console", job, ...args]);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
  });
});

describe("emufarm console --pty", () => {
  let device: string;
  let pty: StartedCli;

  beforeAll(async () => {
    device = join(place.folder, "board0");
    // One that was killed leaves a link to a device that is gone.
    symlinkSync("/dev/pts/999999", device);
    pty = place.start(["console", job, "--pty", device, "--take"]);
    await pty.said(`uart0 of ${job} is at ${device}`);
  });

  afterAll(async () => {
    pty.signal("SIGTERM");
    expect((await pty.result).code).toBe(0);
    expect(existsSync(device)).toBe(false);
  });

  test("is a device that programs open one after another", () => {
    expect(readlinkSync(device)).toMatch(/^\/dev\/pts\/\d+$/);
  });

  test.runIf(process.env.EMUFARM_TEST_PYTHON)("pyserial opens it as a serial port", async () => {
    const { code, stdout, stderr } = await place.run([USE_PORT, device], {
      program: [process.env.EMUFARM_TEST_PYTHON ?? ""],
    });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "done\n", stderr: "" });
  });

  test("picocom", async () => {
    const picocom = onTerminal(`picocom ${device}`);
    await picocom.said("Terminal ready");
    picocom.child.stdin.write("echo by picocom\r");
    await picocom.said("by picocom");
    picocom.child.stdin.write("\x01\x18");
    expect((await picocom.result).code).toBe(0);
  });

  test("tio", async () => {
    const tio = onTerminal(`tio ${device}`);
    await tio.said("Connected");
    tio.child.stdin.write("echo by tio\r");
    await tio.said("by tio");
    tio.child.stdin.write("\x14q");
    expect((await tio.result).code).toBe(0);
  });
});
