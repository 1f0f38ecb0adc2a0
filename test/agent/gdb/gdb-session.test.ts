import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { GdbSession } from "../../../src/agent/gdb/gdb-session.ts";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";

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
