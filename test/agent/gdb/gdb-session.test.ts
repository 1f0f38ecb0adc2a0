import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { GdbSession } from "../../../src/agent/gdb/gdb-session.ts";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";
import { StandingMemory } from "../../../src/core/gdb/standing-memory.ts";

/** A debugger whose network takes nothing. */
function deafDebugger() {
  let sentBytes = 0;
  let closedFor: string | undefined;
  const session = new GdbSession(
    {
      get bufferedBytes() {
        return sentBytes;
      },
      send: (bytes) => {
        sentBytes += bytes.length;
      },
      close: (reason) => {
        closedFor = reason;
      },
    },
    { onMonitor: async () => "", onKill: () => {}, onEnd: () => {} },
    new StandingMemory([]),
  );
  const [stub] = duplexPair();
  session.plugIn(stub as Socket);
  return { session, sentBytes: () => sentBytes, closedFor: () => closedFor };
}

const MAX_HELD_BYTES = 1024 * 1024;

test.each([
  ["asks for every answer again", "-"],
  ["sends broken packets", "$#zz"],
  ["sends packets", Buffer.from(framePayload("m0,4")).toString("latin1")],
])("a debugger that %s and reads nothing is let go, with a bounded part held for it", (_, text) => {
  const { session, sentBytes, closedFor } = deafDebugger();
  session.receive(framePayload("qRcmd,zz"));
  for (let count = 0; count < 200; count += 1) session.receive(Buffer.alloc(64 * 1024, text));
  expect(closedFor()).toMatch(/does not read|too many packets/);
  expect(sentBytes()).toBeLessThan(MAX_HELD_BYTES);
});

/** A debugger that is heard, and what comes of its packets at the stub. */
function debuggerWithStub(regions: readonly { readonly address: number; readonly bytes: number }[]) {
  const answers: string[] = [];
  const asked: string[] = [];
  const session = new GdbSession(
    {
      bufferedBytes: 0,
      send: (bytes) => answers.push(Buffer.from(bytes).toString("latin1")),
      close: () => {},
    },
    { onMonitor: async () => "", onKill: () => {}, onEnd: () => {} },
    new StandingMemory(regions, () => 0),
  );
  const [ours, theirs] = duplexPair();
  session.plugIn(ours as Socket);
  theirs.on("data", (chunk: Buffer) => asked.push(chunk.toString("latin1")));
  session.receive(framePayload("QStartNoAckMode"));
  const ask = async (payload: string, answer?: string) => {
    session.receive(framePayload(payload));
    await turn();
    if (answer !== undefined) theirs.write(framePayload(answer));
    await turn();
    return answers.at(-1);
  };
  const answer = async (payload: string) => {
    theirs.write(framePayload(payload));
    await turn();
    return answers.at(-1);
  };
  return { ask, asked, answer };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const framed = (payload: string) => Buffer.from(framePayload(payload)).toString("latin1");

test("memory that is read again while the CPU stands comes from the stub once, and anew after it ran or was written", async () => {
  const { ask, asked } = debuggerWithStub([{ address: 0, bytes: 4_096 }]);
  const block = Array.from({ length: 64 }, (_, at) => at.toString(16).padStart(2, "0")).join("");
  expect(await ask("m44,4", block)).toBe(framed("04050607"));
  expect(asked).toEqual([framed("m40,40")]);
  expect(await ask("m46,2")).toBe(framed("0607"));
  expect(await ask("g", "00")).toBe(framed("00"));
  expect(await ask("m44,4")).toBe(framed("04050607"));
  expect(asked).toHaveLength(2);
  for (const change of ["M44,1:ff", "vCont;s:1", "Hg2"]) {
    await ask(change, "OK");
    expect(await ask("m44,1", block)).toBe(framed("04"));
  }
  expect(asked).toHaveLength(8);
});

test("what cannot be read as a block, or may be a device's, is asked for as the debugger does", async () => {
  const { ask, asked } = debuggerWithStub([{ address: 0, bytes: 4_096 }]);
  await ask("m44,4", "E14");
  expect(asked).toEqual([framed("m40,40"), framed("m44,4")]);
  expect(await ask("m40000000,4", "00000000")).toBe(framed("00000000"));
  expect(asked.at(-1)).toBe(framed("m40000000,4"));
});

test("a binary write goes to a stub that knows them as it came", async () => {
  const { ask, asked } = debuggerWithStub([]);
  expect(await ask("X2000,0:", "OK")).toBe(framed("OK"));
  expect(await ask("X2000,3:}\x03\x00a", "OK")).toBe(framed("OK"));
  expect(await ask("X2000,1:a", "E14")).toBe(framed("E14"));
  expect(await ask("g", "00")).toBe(framed("00"));
  expect(asked).toEqual(["X2000,0:", "X2000,3:}\x03\x00a", "X2000,1:a", "g"].map(framed));
});

test("a binary write reaches another stub as packets that it takes, all at once, and has one answer", async () => {
  const { ask, asked, answer } = debuggerWithStub([]);
  expect(await ask("X2000,0:", "")).toBe(framed("OK"));
  expect(await ask("X2000,0:")).toBe(framed("OK"));
  expect(asked.splice(0)).toEqual([framed("X2000,0:")]);
  const bytes = "a".repeat(3_000);
  await ask(`X2000,bb8:${bytes}`, "OK");
  const half = "61".repeat(1_500);
  expect(asked.join("")).toBe(framed(`M2000,5dc:${half}`) + framed(`M25dc,5dc:${half}`));
  expect(await answer("OK")).toBe(framed("OK"));
  expect(await ask("g", "00")).toBe(framed("00"));
});

test("a first binary write that the stub does not know is sent once more, in packets that it takes", async () => {
  const { ask, asked, answer } = debuggerWithStub([]);
  await ask("X2000,2:ab", "");
  expect(asked).toEqual([framed("X2000,2:ab"), framed("M2000,2:6162")]);
  expect(await answer("OK")).toBe(framed("OK"));
});

test("the first packet of a binary write that the stub refuses is its answer", async () => {
  const { ask, answer } = debuggerWithStub([]);
  await ask("X2000,0:", "");
  await ask(`X2000,bb8:${"a".repeat(3_000)}`, "E14");
  expect(await answer("OK")).toBe(framed("E14"));
});

test.each(["X2000,3:ab", "X2000:ab"])("%s says something else than it holds", async (write) => {
  const { ask, asked } = debuggerWithStub([]);
  await ask("X2000,0:", "");
  expect(await ask(write)).toBe(framed("E22"));
  expect(asked).toHaveLength(1);
});
