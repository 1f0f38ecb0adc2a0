import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RawPort } from "../../../src/agent/channel/raw-port.ts";
import { serveUart } from "../../../src/agent/uart/uart-connection.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";
import { socketPair, temporaryFolder } from "../uart/socket-pair.ts";

async function setup(maxConnections?: number) {
  const folder = await temporaryFolder();
  const hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log") });
  const channel = await RawPort.listen({
    serve: (socket) => serveUart(socket, hub),
    host: "127.0.0.1",
    port: 0,
    ...(maxConnections !== undefined && { maxConnections }),
  });
  return {
    hub,
    channel,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      hub.end();
      await channel[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("A UART as a TCP port", () => {
  test("carries bytes both ways, and stays open while the emulator is replaced", async () => {
    await using rig = await setup();
    const { hub, channel, folder } = rig;
    const client = connect(channel.port, "127.0.0.1");
    let seen = "";
    client.on("data", (chunk: Buffer) => {
      seen += chunk.toString();
    });
    await once(client, "connect");
    await expect.poll(() => channel.connections).toBe(1);
    for (const boot of [1, 2]) {
      const { hubEnd, guestEnd } = await socketPair(folder, `s${boot}`);
      hub.attach(hubEnd, boot, () => {});
      guestEnd.on("data", (chunk: Buffer) => guestEnd.write(`${boot}:${chunk.toString()} `));
      client.write("hi");
      await expect.poll(() => seen).toContain(`${boot}:hi`);
      guestEnd.destroy();
      await once(hubEnd, "close");
    }
    expect(channel.connections).toBe(1);
    client.destroy();
    await expect.poll(() => channel.connections).toBe(0);
  });

  test.each(["GET / HTTP/1.1\r\n", "POST /v1/runs HTTP/1.1\r\n", "OPTIONS * HTTP/1.1\r\n"])(
    "closes and counts a connection that opens with %j",
    async (request) => {
      await using rig = await setup();
      const { channel } = rig;
      const client = connect(channel.port, "127.0.0.1");
      client.on("error", () => {});
      client.write(request.slice(0, 2));
      await once(client, "connect");
      client.write(request.slice(2));
      await once(client, "close");
      expect(channel.refusedHttp).toBe(1);
    },
  );

  test("closes a connection that is one too many, and takes the next when one has left", async () => {
    await using rig = await setup(2);
    const { channel } = rig;
    const clients = [1, 2, 3].map(() => connect(channel.port, "127.0.0.1"));
    for (const client of clients) client.on("error", () => {});
    let words = "";
    clients[2]?.on("data", (chunk: Buffer) => {
      words += chunk.toString();
    });
    await once(clients[2] as (typeof clients)[number], "close");
    expect(words).toContain("this port has 2 connections, and takes no more");
    expect(channel.connections).toBe(2);
    expect(channel.refusedConnections).toBe(1);
    clients[0]?.destroy();
    await expect.poll(() => channel.connections).toBe(1);
    const next = connect(channel.port, "127.0.0.1");
    await expect.poll(() => channel.connections).toBe(2);
    for (const client of [...clients, next]) client.destroy();
  });

  test("lets a client that has said all it wants to read the answer, and leaves the writing to others", async () => {
    await using rig = await setup();
    const { hub, channel, folder } = rig;
    const { hubEnd, guestEnd } = await socketPair(folder);
    hub.attach(hubEnd, 1, () => {});
    const asked = once(guestEnd, "data");
    const client = connect({ port: channel.port, host: "127.0.0.1", allowHalfOpen: true });
    let answer = "";
    client.on("data", (chunk: Buffer) => {
      answer += chunk.toString();
    });
    client.end("a question\n");
    await asked;
    const other = connect(channel.port, "127.0.0.1");
    other.write("another\n");
    await once(guestEnd, "data");
    guestEnd.write("an answer\n");
    await expect.poll(() => answer).toContain("an answer");
    await expect.poll(() => channel.connections).toBe(1);
    for (const socket of [client, other, guestEnd]) socket.destroy();
  });

  test("tells a client why it ends", async () => {
    await using rig = await setup();
    const client = connect(rig.channel.port, "127.0.0.1");
    let words = "";
    client.on("data", (chunk: Buffer) => {
      words += chunk.toString();
    });
    await expect.poll(() => rig.channel.connections).toBe(1);
    rig.hub.end("the instance was deleted");
    await rig.channel[Symbol.asyncDispose]();
    await expect.poll(() => words).toContain("[emufarm: the instance was deleted]");
  });

  test("tells a second writer once for each who writes, in the place of what it sends", async () => {
    await using rig = await setup();
    const { hub, channel, folder } = rig;
    const { hubEnd, guestEnd } = await socketPair(folder);
    hub.attach(hubEnd, 1, () => {});
    let typed = "";
    guestEnd.on("data", (chunk: Buffer) => {
      typed += chunk.toString();
    });
    const [writer, other] = [connect(channel.port, "127.0.0.1"), connect(channel.port, "127.0.0.1")];
    let told = "";
    other.on("data", (chunk: Buffer) => {
      told += chunk.toString();
    });
    writer.write("mine ");
    await expect.poll(() => typed).toBe("mine ");
    const words = "\r\n[emufarm: what you send is not taken: somebody else writes]\r\n";
    other.write("lost");
    await expect.poll(() => told).toBe(words);
    other.write("lost");
    writer.destroy();
    await expect.poll(() => channel.connections).toBe(1);
    other.write("yours");
    await expect.poll(() => typed).toBe("mine yours");
    expect(told).toBe(words);
    other.destroy();
    guestEnd.destroy();
  });

  test("takes words that only look like a request", async () => {
    await using rig = await setup();
    const { hub, channel, folder } = rig;
    const { hubEnd, guestEnd } = await socketPair(folder);
    hub.attach(hubEnd, 1, () => {});
    let typed = "";
    guestEnd.on("data", (chunk: Buffer) => {
      typed += chunk.toString();
    });
    const client = connect(channel.port, "127.0.0.1");
    client.write("GETTER\nGET \n");
    await expect.poll(() => typed).toBe("GETTER\nGET \n");
    expect(channel.refusedHttp).toBe(0);
    client.destroy();
    guestEnd.destroy();
  });

  test("skips for a client that reads too late, and says how much", async () => {
    await using rig = await setup();
    const { hub, channel, folder } = rig;
    const { hubEnd, guestEnd } = await socketPair(folder);
    hub.attach(hubEnd, 1, () => {});
    const client = connect(channel.port, "127.0.0.1");
    await once(client, "connect");
    await expect.poll(() => channel.connections).toBe(1);
    const chunk = Buffer.alloc(1_000_000, "flood\n");
    for (let written = 0; written < 50; written += 1) {
      if (!guestEnd.write(chunk)) await once(guestEnd, "drain");
    }
    guestEnd.write("the end");
    await expect.poll(() => hub.totalBytes, { timeout: 20_000 }).toBe(50_000_007);
    let seen = "";
    client.on("data", (data: Buffer) => {
      seen += data.toString();
    });
    await expect.poll(() => seen, { timeout: 20_000 }).toContain("the end");
    const missing = Number(/\[emufarm: (\d+) bytes are missing here\]/.exec(seen)?.[1]);
    const notices = "\r\n[emufarm:  bytes are missing here]\r\n".length + String(missing).length;
    expect(seen.length - notices + missing).toBe(50_000_007);
    client.destroy();
    guestEnd.destroy();
  });
});
