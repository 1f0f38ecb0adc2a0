import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { AttemptResult, AttemptSpecInput } from "../../../src/core/wire/attempt.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { ENDLESS } from "./agent-lab.ts";
import { shareAgent } from "./shared-agent.ts";

const BOARD = "mps2-an385";
const MIB = 1024 * 1024;
/** Less than the guest wants to write, which is 20 MiB. */
const FLOOD_BYTES = 20_000_000;
/** What an agent may grow by for a flood: rings, pieces on their way, garbage that waits for its collection. */
const ROOM_MIB = 192;
/** A UART takes a byte at a time: 20 MB take half a minute, and several on a busy machine. */
const FLOOD_TIMEOUT_MS = 900_000;
const FLOOD_JOB_TIMEOUT = "14m";

const agent = shareAgent("output");
let images: string;
beforeAll(async () => {
  images = await buildFirmware();
});

async function start(app: string, options: Partial<AttemptSpecInput> = {}): Promise<string> {
  const image = await readFile(join(images, BOARD, `${app}.elf`));
  return agent.put(await agent.lab.specOf(image, options, BOARD));
}

async function logOf(id: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(agent.lab.client.log({ attempt: id }, "uart0")));
}

async function residentMiB(): Promise<number> {
  const status = await readFile(`/proc/${agent.lab.child.pid}/status`, "utf8");
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1]) / 1024;
}

async function outputOf(
  app: string,
  options?: Partial<AttemptSpecInput>,
): Promise<{ result: AttemptResult; log: Buffer }> {
  const id = await start(app, options);
  const result = await agent.events.resultOf(id);
  return { result, log: await logOf(id) };
}

test(
  "A guest that floods its UART before a viewer that never reads is ended at its limit, and harms no other slot",
  async () => {
    const other = agent.nextId();
    await agent.lab.client.putAttempt(other, await agent.lab.spec("shell", ENDLESS));
    await agent.events.until("attemptRunning", ({ id }) => id === other);
    const before = await residentMiB();
    const flood = await start("flood", { timeout: FLOOD_JOB_TIMEOUT, limits: { output: FLOOD_BYTES } });
    await agent.events.until("attemptRunning", ({ id }) => id === flood);
    const viewer = await agent.lab.client.openConsole({ attempt: flood }, "uart0", () => {});
    viewer.pause();
    const result = await agent.events.resultOf(flood);
    expect((await residentMiB()) - before).toBeLessThan(ROOM_MIB);
    viewer.terminate();
    expect(result).toMatchObject({
      verdict: "failed",
      error: { code: "OutputLimit" },
      exit: { reason: "OutputLimit" },
    });
    const log = (await logOf(flood)).toString("latin1");
    expect(log.startsWith("00000000ABC")).toBe(true);
    expect(result.logs[0]?.bytes).toBeGreaterThanOrEqual(FLOOD_BYTES);
    // The first and the last 8 MiB, and what says how much is between them.
    expect(log.length).toBeLessThan(16.1 * MIB);

    const { promise: answered, resolve } = Promise.withResolvers<void>();
    let seen = "";
    const socket = await agent.lab.client.openConsole({ attempt: other }, "uart0", (data, isText) => {
      if (!isText) seen += data.toString("latin1");
      if (seen.includes("no flood here")) resolve();
    });
    socket.send(Buffer.from("echo no flood here\n"));
    await answered;
    socket.close();
    expect(await agent.lab.client.attempt(other)).toMatchObject({ state: "running" });
  },
  FLOOD_TIMEOUT_MS,
);

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, value) => value));

test.each<readonly [what: string, app: string, output: Buffer, lastLine: string]>([
  [
    "binary",
    "binary",
    Buffer.concat([Buffer.from("binary begins\n"), ...Array<Buffer>(16).fill(BYTES), Buffer.from("\nbinary ends\n")]),
    "binary ends",
  ],
  [
    "split UTF-8 and bytes that are none",
    "split-utf8",
    Buffer.concat([Buffer.from("Grüße € 😀 fertig\n"), Buffer.from("broken \xc3( \xff\xfe end\n", "latin1")]),
    "broken \ufffd( \ufffd\ufffd end",
  ],
  [
    "ANSI sequences",
    "ansi",
    Buffer.from(
      "\x1b[2J\x1b[H\x1b[1;31mred\x1b[0m plain \x1b[38;5;208morange\x1b[0m\n\x1b]0;a title\x07title set\n" +
        'progress 10%\rprogress 100%\n<script>alert(1)</script> & "quotes" ]]>\nunfinished \x1b[',
    ),
    "unfinished \x1b[",
  ],
  ["no newline", "no-newline", Buffer.from("first line\nlast line without an end"), "last line without an end"],
])("A log keeps %s byte for byte", async (_what, app, output, lastLine) => {
  const { result, log } = await outputOf(app);
  expect(log.equals(output), log.toString("latin1")).toBe(true);
  expect(result.verdict).toBe("passed");
  expect(result.logs[0]?.bytes).toBe(output.length);
  expect(result.lastLines.at(-1)).toBe(lastLine);
});

test(
  "A line of 10 MiB is searched and kept, and cut where it is shown",
  async () => {
    const { result, log } = await outputOf("long-line", {
      expectText: "l\nthe line is over\n",
      timeout: FLOOD_JOB_TIMEOUT,
    });
    expect(result.verdict).toBe("passed");
    expect(log.length).toBe(10 * MIB + "\nthe line is over\n".length);
    expect(log.subarray(0, 10 * MIB).equals(Buffer.alloc(10 * MIB, "abcdefghijklmnopqrstuvwxyz"))).toBe(true);
    expect(result.lastLines.at(-1)).toBe("the line is over");
    expect(result.lastLines.length).toBeGreaterThan(1);
    for (const line of result.lastLines) expect(line.length).toBeLessThan(1_000);
  },
  FLOOD_TIMEOUT_MS,
);

test.each(["silent", "busy"])("A guest that says nothing (%s) times out, and says so", async (app) => {
  const { result, log } = await outputOf(app, { timeout: "1s", expectText: "anything" });
  expect(result).toMatchObject({ verdict: "timedOut", error: { code: "JobTimeout" }, lastLines: [] });
  expect(log.length).toBe(0);
});
