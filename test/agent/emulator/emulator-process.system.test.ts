import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { EmulatorProcess } from "../../../src/agent/emulator/emulator-process.ts";
import { limitedCommand } from "../../../src/agent/emulator/process-limits.ts";
import { createStandIns, type StandIns } from "./stand-in.ts";

function start(programs: StandIns, command: [string, ...string[]], channels = 1) {
  return EmulatorProcess.start({
    command,
    folder: programs.folder,
    uid: undefined,
    gid: undefined,
    environment: { PATH: "/usr/bin:/bin" },
    channels,
  });
}

test("its environment is what it was given, and nothing of the agent's", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("env", "env >&2");
  await using emulator = await start(programs, [program]);
  const { stderr } = await emulator.exited;
  expect(stderr.split("\n").filter((line) => !/^(PATH=|PWD=|_=|OLDPWD|$)/.test(line))).toEqual([]);
});

test("every channel works both ways from the start", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("echo", "head -c 2 <&3 >&4; printf over >&3");
  await using emulator = await start(programs, [program], 2);
  const [first, second] = emulator.channels;
  const received: string[] = [];
  first?.on("data", (chunk: Buffer) => received.push(`3 ${chunk}`));
  second?.on("data", (chunk: Buffer) => received.push(`4 ${chunk}`));
  first?.write("hi");
  await emulator.exited;
  expect(received.sort()).toEqual(["3 over", "4 hi"]);
});

test("writes to an emulator that has gone are lost, and its last bytes are not", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("last", "printf 'last words' >&3");
  await using emulator = await start(programs, [program]);
  const [channel] = emulator.channels;
  // Blocks this process until the emulator is a zombie, so that the write comes before its bytes are read.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  channel?.write("too late");
  const received: Buffer[] = [];
  channel?.on("data", (chunk: Buffer) => received.push(chunk));
  await emulator.exited;
  expect(Buffer.concat(received).toString()).toBe("last words");
});

test("of a flood on stderr the last 64 KiB are kept", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("flood", "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf end >&2");
  await using emulator = await start(programs, [program]);
  const { stderr } = await emulator.exited;
  expect(stderr).toHaveLength(64 * 1024);
  expect(stderr.endsWith("xend")).toBe(true);
});

test("a program that cannot be started is told as such", async () => {
  await using programs = await createStandIns();
  await expect(start(programs, ["/nowhere/qemu"])).rejects.toMatchObject({ code: "EmulatorStartFailed" });
});

test("what an emulator leaves behind in its group is ended with it, and the end is told", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("parent", "sleep 600 & echo $! >&2; exit 3");
  await using emulator = await start(programs, [program]);
  const { code, stderr } = await emulator.exited;
  expect(code).toBe(3);
  // Whoever inherits it takes it away in its own time.
  await vi.waitFor(() => expect(() => process.kill(Number(stderr), 0)).toThrow("ESRCH"), { timeout: 10_000 });
});

test("a process that ignores every request is killed after the grace time", async () => {
  await using programs = await createStandIns();
  const program = await programs.script("stubborn", "trap '' TERM INT HUP; echo up >&3; while :; do sleep 1; done");
  await using emulator = await start(programs, [program]);
  const [channel] = emulator.channels;
  if (channel) await once(channel, "data");
  expect(await emulator.killAfter(50)).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("a program over its limit of memory ends by itself; files and core dumps are limited too", async () => {
  await using programs = await createStandIns();
  const program = await programs.script(
    "fat",
    'ulimit -c >&2; head -c 3000000 /dev/zero > big || echo "file refused" >&2; exec dd if=/dev/zero of=/dev/null bs=500M count=1',
  );
  const limits = { memoryMiB: 64, fileMiB: 1, processes: undefined };
  await using emulator = await start(programs, limitedCommand("/usr/bin/prlimit", limits, [program]));
  const { code, stderr } = await emulator.exited;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^0\n/);
  expect(stderr).toMatch(/file refused/i);
  expect(stderr).toMatch(/memory exhausted|cannot allocate/i);
});
