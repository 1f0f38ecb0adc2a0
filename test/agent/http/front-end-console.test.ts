import { join } from "node:path";
import { expect, test } from "vitest";
import type { WebSocket } from "ws";
import { watchConsole } from "../../../src/agent/http/front-end-console.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";
import type { FrontEndEvent } from "../../../src/core/wire/front-end.ts";
import { socketPair, temporaryFolder } from "../uart/socket-pair.ts";

const BROKEN = "\ufffd";
const CHARACTER = Buffer.from("€");

/** What a front end is told of a UART; its network takes nothing while it is deaf. */
async function setup() {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await temporaryFolder());
  const hub = opening.use(new UartHub({ name: "uart0", logPath: join(folder.path, "log") }));
  const told: string[] = [];
  const network = { bufferedAmount: 0 };
  let caughtUp = () => {};
  const send = (event: FrontEndEvent, onSent: () => void) => {
    caughtUp = onSent;
    if (event.type === "serial_output") told.push(event.data.data);
    if (event.type === "error") told.push(`error: ${event.data.message}`);
  };
  opening.use(watchConsole({ socket: network as WebSocket, hub, uart: 0, send }));
  const { hubEnd, guestEnd } = await socketPair(folder.path);
  opening.defer(() => void guestEnd.destroy());
  const open = opening.move();
  return {
    told,
    hub,
    /** Output of the guest, a piece as it is. */
    says: (...pieces: Uint8Array[]) => {
      for (const piece of pieces) hub.replay(Buffer.from(piece));
    },
    setDeaf: (isDeaf: boolean) => {
      network.bufferedAmount = isDeaf ? Number.POSITIVE_INFINITY : 0;
      if (!isDeaf) caughtUp();
    },
    boot: (boot: number) => void hub.attach(hubEnd, boot, undefined),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

test("a character whose bytes come one by one is told once it is whole", async () => {
  await using rig = await setup();
  for (const byte of CHARACTER) rig.says(Uint8Array.of(byte));
  rig.says(Buffer.from("a"), CHARACTER.subarray(0, 1), Buffer.concat([CHARACTER.subarray(1), Buffer.from("b")]));
  expect(rig.told).toEqual(["€", "a", "€b"]);
});

test("bytes that are no text are told as broken characters, and what follows them as it is", async () => {
  await using rig = await setup();
  rig.says(Uint8Array.of(0x61, 0xff, 0x62));
  // The begin of a character with no end.
  rig.says(CHARACTER.subarray(0, 2), Buffer.from("c"));
  expect(rig.told).toEqual([`a${BROKEN}b`, `${BROKEN}c`]);
});

test("a boot cuts a character off, and its rest is none", async () => {
  await using rig = await setup();
  rig.boot(1);
  rig.says(CHARACTER.subarray(0, 2));
  rig.boot(2);
  expect(rig.told).toEqual([BROKEN]);
  rig.says(CHARACTER.subarray(2), Buffer.from("ok"));
  expect(rig.told).toEqual([BROKEN, BROKEN, "ok"]);
});

test("a gap cuts a character off, and is told between what came before and after it", async () => {
  await using rig = await setup();
  rig.says(Buffer.from("a"), CHARACTER.subarray(0, 1));
  rig.setDeaf(true);
  rig.says(CHARACTER.subarray(1), Buffer.alloc(64 * 1024, "x"));
  rig.setDeaf(false);
  expect(rig.told.slice(0, -1)).toEqual(["a", BROKEN, "error: 2 bytes of uart0 are missing here"]);
  expect(rig.told.at(-1)).toBe("x".repeat(64 * 1024));
});

test("the end of the board tells what was left of a character", async () => {
  await using rig = await setup();
  rig.says(CHARACTER.subarray(0, 1));
  rig.hub.end("the instance was deleted");
  expect(rig.told).toEqual([BROKEN]);
});
