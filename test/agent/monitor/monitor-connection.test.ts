import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { RawPort } from "../../../src/agent/channel/raw-port.ts";
import type { Guest } from "../../../src/agent/guest/guest.ts";
import { serveMonitor } from "../../../src/agent/monitor/monitor-connection.ts";

const ANSWER_BYTES = 64 * 1024;

/** The monitor of a guest whose emulator has long answers. */
async function setup() {
  let asked = 0;
  const qmp = {
    execute: async () => {
      asked += 1;
      return "x".repeat(ANSWER_BYTES);
    },
  };
  const guest = { boot: { qmp }, spoil() {} } as unknown as Guest;
  const port = await RawPort.listen({ serve: (socket) => serveMonitor(socket, guest), host: "127.0.0.1", port: 0 });
  const clients: Socket[] = [];
  return {
    port,
    asked: () => asked,
    async join() {
      const client = connect({ port: port.port, host: "127.0.0.1" });
      client.on("error", () => {});
      clients.push(client);
      await once(client, "connect");
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      await port[Symbol.asyncDispose]();
    },
  };
}

test("a line of a megabyte ends the connection with a word, whatever else is sent", async () => {
  await using rig = await setup();
  const client = await rig.join();
  let text = "";
  client.setEncoding("latin1").on("data", (chunk) => (text += chunk));
  const closed = once(client, "close");
  for (let count = 0; count < 16; count += 1) client.write(Buffer.alloc(64 * 1024, "x"));
  await closed;
  expect(text).toContain("a line is too long");
  expect(rig.asked()).toBe(0);
});

test("who asks and never reads is asked for no more than the network takes", async () => {
  await using rig = await setup();
  const [deaf, neighbour] = [await rig.join(), await rig.join()];
  deaf.pause();
  deaf.write(Buffer.alloc(1024 * 1024, "info status\n"));
  let text = "";
  neighbour.setEncoding("latin1").on("data", (chunk) => (text += chunk));
  neighbour.write("info status\n");
  await expect.poll(() => text.match(/\(qemu\)/g)?.length).toBe(2);
  const asked = rig.asked();
  neighbour.write("info status\n".repeat(50));
  await expect.poll(() => text.match(/\(qemu\)/g)?.length).toBe(52);
  // Of 87,000 questions, those whose answers lie in the network.
  expect(asked).toBeLessThan(1_000);
  expect(rig.asked()).toBeLessThan(1_000);
});

test("tells why it ends", async () => {
  await using rig = await setup();
  const client = await rig.join();
  let text = "";
  client.setEncoding("latin1").on("data", (chunk) => (text += chunk));
  await expect.poll(() => text).toContain("(qemu)");
  const closed = once(client, "close");
  await rig.port.end("the instance was deleted");
  await closed;
  expect(text).toMatch(/\r\nthe instance was deleted\r\n$/);
});
