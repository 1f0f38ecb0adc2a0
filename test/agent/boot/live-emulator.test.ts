import { once } from "node:events";
import type { Socket } from "node:net";
import { expect, it } from "vitest";
import { LiveEmulator } from "../../../src/agent/boot/live-emulator.ts";
import type { EmulatorProcess } from "../../../src/agent/emulator/emulator-process.ts";
import type { BoardEmulator } from "../../../src/agent/emulator/emulators.ts";
import { socketPair, temporaryFolder } from "../uart/socket-pair.ts";

/** An emulator with one UART, whose other end the test has; it rests. */
async function resting() {
  const folder = await temporaryFolder();
  const qmp = await socketPair(folder.path, "qmp");
  const uart = await socketPair(folder.path, "uart");
  const process = {
    channels: [qmp.hubEnd, uart.hubEnd],
    exited: new Promise(() => {}),
    killAfter: async () => {},
    forgetStderr() {},
  } as unknown as EmulatorProcess;
  const stray: number[] = [];
  const live = new LiveEmulator({
    ...{ emulator: {} as BoardEmulator, process, answerTimeoutMs: 60_000, stopGraceMs: 1_000 },
    onStray: (bytes) => stray.push(bytes),
  });
  live.rest();
  return {
    ...{ live, stray, guestEnd: uart.guestEnd },
    async [Symbol.asyncDispose]() {
      for (const socket of [qmp.hubEnd, qmp.guestEnd, uart.hubEnd, uart.guestEnd]) socket.destroy();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Settles when the bytes lie in the other end's socket. */
function write(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve) => socket.write(text, () => resolve()));
}

it("what a guest had written before the next one begins is read first, told as stray, and nobody's", async () => {
  await using it = await resting();
  await write(it.guestEnd, "last words");
  await it.live.readUpTo(["last words".length]);
  expect(it.stray).toEqual(["last words".length]);
  it.live.wake(() => {});
  const [uart] = it.live.uarts;
  const came = once(uart as Socket, "data");
  await write(it.guestEnd, "first words");
  expect(String((await came)[0])).toBe("first words");
  expect(it.stray).toEqual(["last words".length]);
});

it("where all has been read, and of a channel that is not counted, nobody waits", async () => {
  await using it = await resting();
  await it.live.readUpTo([undefined]);
  await it.live.readUpTo([0]);
  expect(it.stray).toEqual([]);
});

it("an emulator that tells of more output than came is not trusted", async () => {
  await using it = await resting();
  await expect(it.live.readUpTo([1])).rejects.toThrow("more output than came");
});
