import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { closedLogSize, readClosedLog } from "../../../src/agent/attempt/closed-log.ts";
import { Spool } from "../../../src/agent/attempt/spool.ts";
import { UartLog } from "../../../src/agent/uart/uart-log.ts";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const taken = (id: string) => ({ id, specDigest: "d", uarts: ["uart0"], startedAt: "2026-01-01T00:00:00.000Z" });
const result: AttemptResult = {
  verdict: "passed",
  steps: [],
  testCases: [],
  logs: [],
  lastLines: ["größer"],
  resets: 0,
  boots: 1,
  startedAt: "2026-01-01T00:00:00.000Z",
  timings: { totalMs: 1 },
};

test("what was taken, finished and forgotten is known after a kill, and so is the epoch", async () => {
  const spool = await Spool.open(folder);
  for (const id of ["a.1", "b.1", "c.1"]) spool.take(taken(id));
  spool.finish("b.1", result);
  spool.finish("c.1", result);
  mkdirSync(spool.logFolder("c.1"));
  await spool.forget(["c.1"]);
  spool.raiseEpoch(4);
  // Nothing is closed: a killed process closes nothing either.
  const next = await Spool.open(folder);
  expect(next.attempts).toEqual([taken("a.1"), { ...taken("b.1"), result }]);
  expect(next.epoch).toBe(4);
  expect(existsSync(next.logFolder("c.1"))).toBe(false);
});

test("a line that the kill cut off is left out, and the next one is whole", async () => {
  const spool = await Spool.open(folder);
  spool.take(taken("a.1"));
  appendFileSync(join(folder, "attempts.ndjson"), '{"type":"finished","id":"a.1","resu');
  const next = await Spool.open(folder);
  expect(next.attempts).toEqual([taken("a.1")]);
  next.finish("a.1", result);
  expect((await Spool.open(folder)).attempts).toEqual([{ ...taken("a.1"), result }]);
});

test("a journal of history alone is written anew", async () => {
  const spool = await Spool.open(folder);
  const large = { ...result, lastLines: ["x".repeat(100_000)] };
  for (let index = 1; index <= 60; index++) {
    spool.take(taken(`a.${index}`));
    spool.finish(`a.${index}`, large);
    await spool.forget([`a.${index}`]);
  }
  expect(readFileSync(join(folder, "attempts.ndjson")).length).toBeLessThan(4 * 1024 * 1024);
  expect((await Spool.open(folder)).attempts).toEqual([]);
});

test("a journal that cannot be written anew goes on as it is", async () => {
  const spool = await Spool.open(folder);
  const large = { ...result, lastLines: ["x".repeat(100_000)] };
  mkdirSync(join(folder, "attempts.ndjson.new"));
  for (let index = 1; index <= 60; index++) {
    spool.take(taken(`a.${index}`));
    spool.finish(`a.${index}`, large);
    await spool.forget([`a.${index}`]);
  }
  spool.take(taken("b.1"));
  rmSync(join(folder, "attempts.ndjson.new"), { recursive: true });
  expect((await Spool.open(folder)).attempts).toEqual([taken("b.1")]);
});

test.each([0, 5, 10, 25, 37, 95])(
  "a log of %i bytes reads the same from disk as from the UART's own log",
  async (bytes) => {
    const path = join(folder, "uart0.log");
    const log = new UartLog({ path, partBytes: 10 });
    const output = Buffer.from(Array.from({ length: bytes }, (_, index) => 65 + (index % 26)));
    for (let at = 0; at < bytes; at += 3) {
      log.append(output.subarray(at, at + 3));
      log.flush();
    }
    log.close();
    const read = async (chunks: AsyncIterable<Buffer>) => {
      let text = "";
      for await (const chunk of chunks) text += chunk;
      return text;
    };
    for (const offset of [0, 4, 12]) {
      expect(await read(readClosedLog(path, 10, offset, bytes))).toBe(await read(log.read(offset)));
    }
    expect((await closedLogSize(path, 10)).keptBytes).toBe(log.keptBytes);
  },
);

test("a log that was never written is empty", async () => {
  writeFileSync(join(folder, "other"), "");
  expect(await closedLogSize(join(folder, "uart0.log"), 10)).toEqual({ bytes: 0, keptBytes: 0 });
});
