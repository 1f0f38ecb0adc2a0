import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { RawPort } from "../../../src/agent/channel/raw-port.ts";
import { serveGpio } from "../../../src/agent/gpio/gpio-connection.ts";
import { PinsStandIn } from "./pins-stand-in.ts";

async function setup() {
  const pins = new PinsStandIn();
  const port = await RawPort.listen({ serve: (socket) => serveGpio(socket, pins.bank), host: "127.0.0.1", port: 0 });
  const clients: Socket[] = [];
  return {
    pins,
    port,
    async join({ isReading = true } = {}) {
      const client = connect(port.port, "127.0.0.1");
      clients.push(client);
      let seen = "";
      if (isReading) client.setEncoding("latin1").on("data", (text) => (seen += text));
      else client.pause();
      const viewers = pins.bank.viewerCount;
      await once(client, "connect");
      await expect.poll(() => pins.bank.viewerCount).toBe(viewers + 1);
      return { client, seen: () => seen };
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      pins.bank.end();
      await port[Symbol.asyncDispose]();
    },
  };
}

/** Settles once so many more lines have come. */
function linesOf(client: Socket, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = count;
  const take = (text: string) => {
    left -= text.split("\n").length - 1;
    if (left > 0) return;
    client.off("data", take);
    resolve();
  };
  client.on("data", take);
  return promise;
}

describe("the GPIO port", () => {
  it("tells each change by the guest, and drives what it is told, byte for byte", async () => {
    await using rig = await setup();
    await rig.pins.start();
    const { client, seen } = await rig.join();
    rig.pins.tell([0, 1], [32, 1], [0, 0]);
    await expect.poll(seen).toBe("GPIO 0 1\nGPIO 32 1\nGPIO 0 0\n");
    client.write("SET 1 1\nSET 1 0\nSET 1 1\n");
    await expect.poll(() => rig.pins.driven).toEqual(["1=1", "1=0", "1=1"]);
    expect(seen()).toBe("GPIO 0 1\nGPIO 32 1\nGPIO 0 0\n");
  });

  it("tells whoever comes late what is high, and stays open when the guest ends and starts again", async () => {
    await using rig = await setup();
    await rig.pins.start();
    rig.pins.tell([2, 1], [3, 1], [3, 0]);
    const { seen } = await rig.join();
    await expect.poll(seen).toBe("GPIO 2 1\n");
    rig.pins.stop();
    await expect.poll(seen).toBe("GPIO 2 1\nGPIO 2 0\n");
    await rig.pins.start();
    rig.pins.tell([4, 1]);
    await expect.poll(seen).toBe("GPIO 2 1\nGPIO 2 0\nGPIO 4 1\n");
  });

  it("ignores and counts garbage, half lines, lines of 1 MB, unknown pins and those that go out only", async () => {
    await using rig = await setup();
    await rig.pins.start();
    const { client } = await rig.join();
    client.write("hello\nSET 1\nGPIO 1 1\nSET 999 1\nSET 32 1\n\x00\xff\n");
    client.write(`${"x".repeat(1024 * 1024)}\n`);
    client.write("SET ");
    client.write("1 1");
    client.write("\nSET 1 0");
    await expect.poll(() => rig.pins.driven).toEqual(["1=1"]);
    await expect.poll(() => rig.pins.bank.counters.refused).toBe(7);
    client.end("\n");
    await expect.poll(() => rig.pins.driven).toEqual(["1=1", "1=0"]);
  });

  it("closes and counts an HTTP request", async () => {
    await using rig = await setup();
    const { client } = await rig.join();
    client.write("GET / HTTP/1.1\r\n\r\n");
    await once(client, "close");
    expect(rig.port.refusedHttp).toBe(1);
  });

  it("tells why it ends", async () => {
    await using rig = await setup();
    const { client, seen } = await rig.join();
    const closed = once(client, "close");
    rig.pins.bank.end("the instance was deleted");
    await closed;
    expect(seen()).toBe("ERROR the instance was deleted\n");
  });

  it("holds a bounded part of a flood for a viewer that never reads, and neighbours miss nothing", async () => {
    await using rig = await setup();
    await rig.pins.start();
    const deaf = await rig.join({ isReading: false });
    const neighbour = await rig.join();
    const size = 10_000;
    const before = process.memoryUsage().arrayBuffers;
    let sent = 0;
    // The network itself holds some megabytes before anything is left to the farm.
    while (rig.pins.bank.counters.merged < 10 * size) {
      const read = linesOf(neighbour.client, size);
      rig.pins.toggle(0, size);
      sent += size;
      // The neighbour reads as fast as it can; only the deaf one may fall behind.
      await read;
    }
    expect(rig.pins.bank.counters.edges).toBe(sent);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    // What it missed is told in one word, with where the line stands.
    let text = "";
    deaf.client.setEncoding("latin1").on("data", (chunk) => (text += chunk));
    deaf.client.resume();
    await expect.poll(() => text).toMatch(/LOST \d+\nGPIO 0 0\n$/);
    const told = text.match(/GPIO/g)?.length ?? 0;
    const lost = [...text.matchAll(/LOST (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    const summaries = text.match(/LOST/g)?.length ?? 0;
    expect(told - summaries + lost).toBe(sent);
  });
});
