import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ConsoleCopies } from "../../../src/agent/instance/console-copies.ts";
import { copyConsole } from "../../../src/agent/uart/console-copy.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";

let folder = "";
const hubs: UartHub[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cc-"));
});

afterEach(async () => {
  for (const hub of hubs.splice(0)) await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function hubNamed(name: string): UartHub {
  const hub = new UartHub({ name, logPath: join(folder, `${name}.log`) });
  hubs.push(hub);
  return hub;
}

function textOf(output: PassThrough): string {
  return (output.read() as Buffer | null)?.toString() ?? "";
}

test("lines come whole, each by its name, however the bytes came", () => {
  const hub = hubNamed("uart0");
  const output = new PassThrough();
  using _copy = copyConsole(hub, output);
  for (const byte of Buffer.from("boot ök\r\nready\nthe rest")) hub.replay(Buffer.from([byte]));
  expect(textOf(output)).toBe("uart0: boot ök\nuart0: ready\n");
});

test("an unfinished line comes at the end, and a line that never ends in pieces", () => {
  const hub = hubNamed("uart0");
  const output = new PassThrough({ highWaterMark: 1 << 20 });
  const copy = copyConsole(hub, output);
  hub.replay(Buffer.from("x".repeat(5_000)));
  hub.replay(Buffer.from("> "));
  copy[Symbol.dispose]();
  expect(textOf(output)).toBe(`uart0: ${"x".repeat(5_000)}\nuart0: > \n`);
});

test("what a terminal would obey to is left out", () => {
  const hub = hubNamed("uart0");
  const output = new PassThrough();
  using _copy = copyConsole(hub, output);
  hub.replay(Buffer.from("\u001b[31mred\u0007\u0000\ttab\n"));
  expect(textOf(output)).toBe("uart0: [31mred\ttab\n");
});

test("a stream that does not take it misses output and says so; the UART does not wait", async () => {
  const hub = hubNamed("uart0");
  const taken: string[] = [];
  let release = () => {};
  const output = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      taken.push(chunk.toString());
      if (taken.length === 1) release = done;
      else done();
    },
  });
  using _copy = copyConsole(hub, output);
  for (let line = 0; line < 40_000; line += 1) hub.replay(Buffer.from(`line ${line}\n`));
  release();
  await expect.poll(() => taken.join("")).toMatch(/bytes are missing here[\s\S]*line 39999\n$/);
});

test("which UARTs are copied follows the wish", () => {
  const [first, second] = [hubNamed("uart0"), hubNamed("uart1")];
  const output = new PassThrough();
  using copies = new ConsoleCopies(output);
  const say = (text: string) => {
    for (const hub of [first, second]) hub.replay(Buffer.from(`${text}\n`));
    return textOf(output);
  };
  copies.follow([first, second]);
  expect(say("none")).toBe("");
  copies.follow([first, second], "First");
  expect(say("first")).toBe("uart0: first\n");
  copies.follow([first, second], "All");
  expect(say("all")).toBe("uart0: all\nuart1: all\n");
  copies.follow([first, second], "None");
  expect(say("none again")).toBe("");
});
