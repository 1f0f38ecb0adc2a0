/** What a program asks its debugger's machine for, through a session: the farm answers, and the debugger hears the text. */
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { GdbSession } from "../../../src/agent/gdb/gdb-session.ts";
import { framePayload, hexOf } from "../../../src/core/gdb/gdb-packet.ts";
import { StandingMemory } from "../../../src/core/gdb/standing-memory.ts";

const INTERRUPT = Uint8Array.of(0x03);
const framed = (payload: string) => Buffer.from(framePayload(payload)).toString("latin1");
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A debugger that has let its program run, and what was said to it and to the stub since. */
async function runningProgram() {
  let heard = "";
  let asked = "";
  const session = new GdbSession(
    {
      bufferedBytes: 0,
      send: (bytes) => {
        heard += Buffer.from(bytes).toString("latin1");
      },
      close: () => {},
    },
    { onMonitor: async () => "", onKill: () => {}, onEnd: () => {} },
    new StandingMemory([]),
  );
  const [ours, stub] = duplexPair();
  session.plugIn(ours as Socket);
  stub.on("data", (chunk: Buffer) => {
    asked += chunk.toString("latin1");
  });
  session.receive(framePayload("QStartNoAckMode"));
  session.receive(framePayload("vCont;c"));
  await turn();
  [heard, asked] = ["", ""];
  return {
    session,
    /** The stub says this; what was asked of it then, and told to the debugger. */
    async stubSays(payload: string) {
      [heard, asked] = ["", ""];
      stub.write(framePayload(payload));
      // There, through the session, and back.
      for (let turns = 0; turns < 4; turns += 1) await turn();
      return { asked, heard };
    },
  };
}

test("text for its console is read from its memory, told to the debugger, and answered as written", async () => {
  const { stubSays } = await runningProgram();
  expect(await stubSays("Fwrite,1,2000000c,5")).toEqual({ asked: framed("m2000000c,5"), heard: "" });
  const text = hexOf(Buffer.from("hello"));
  expect(await stubSays(text)).toEqual({ asked: framed("F5"), heard: framed(`O${text}`) });
  // The debugger waits for its program still, and has its next stop.
  expect(await stubSays("T05thread:01;")).toEqual({ asked: "", heard: framed("T05thread:01;") });
});

test.each(["Fopen,2000/b,0,0", "Fsystem,2000/8", "Fread,3,2000,10", "F", "FX,1"])(
  "%s is refused at once, and the debugger hears nothing of it",
  async (call) => {
    const { stubSays } = await runningProgram();
    expect(await stubSays(call)).toEqual({ asked: framed("F-1,d"), heard: "" });
    expect(await stubSays("T05")).toEqual({ asked: "", heard: framed("T05") });
  },
);

test("text that the stub cannot read is lost, and the program goes on", async () => {
  const { stubSays } = await runningProgram();
  await stubSays("Fwrite,2,0,400");
  expect(await stubSays("E14")).toEqual({ asked: framed("F400"), heard: "" });
  expect(await stubSays("W00")).toEqual({ asked: "", heard: framed("W00") });
});

test("Ctrl-C while the text is read stops the program once its call is answered", async () => {
  const { session, stubSays } = await runningProgram();
  await stubSays("Fwrite,1,2000,2");
  session.receive(INTERRUPT);
  const text = hexOf(Buffer.from("ab"));
  expect(await stubSays(text)).toEqual({ asked: `${framed("F2")}\x03`, heard: framed(`O${text}`) });
  expect(await stubSays("T02")).toEqual({ asked: "", heard: framed("T02") });
  // Once, and not again at the next call.
  session.receive(framePayload("vCont;c"));
  await stubSays("Fwrite,1,2000,2");
  expect(await stubSays(text)).toMatchObject({ asked: framed("F2") });
});
