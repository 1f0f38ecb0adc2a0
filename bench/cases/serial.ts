import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { type BenchCase, type Figure, figure } from "../case.ts";
import { type BenchAgent, type BenchInstance, startBenchAgent } from "../measure/agent.ts";
import { startBareGuest } from "../measure/bare-qemu.ts";
import { farmQemuFolder, NOT_BUILT } from "../measure/farm-qemu.ts";
import { exampleImage, testImage } from "../measure/image.ts";
import { readUntil } from "../measure/serial.ts";
import { median } from "../measure/statistics.ts";

const ROUNDS = 5;
/** Of the 4 MiB that the firmware writes: enough for a rate. */
const BULK_BYTES = 1024 * 1024;
const CHANGES = 15;
const CONSOLES = ["uart0", "uart0-rfc2217"];

/** Bytes that have come, as they come. */
type Listen = (onBytes: (count: number) => void) => void;

/** A megabyte out of a UART by each way to it, against a bare QEMU socket. */
export const serial: BenchCase = {
  name: "serial",
  title: "UART bulk output by raw TCP, RFC 2217 and WebSocket",
  async run(say) {
    const image = await testImage("bulk-output");
    await using agent = await startBenchAgent(1);
    const ratios = { tcp: [] as number[], rfc2217: [] as number[], webSocket: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await bareBytesPerSecond(image);
      const tcp = await bytesPerSecond(agent, image, async ({ connect }) => onSocket(await connect("uart0")));
      const rfc2217 = await bytesPerSecond(agent, image, async ({ connect }) =>
        onSocket(await connect("uart0-rfc2217")),
      );
      const webSocket = await bytesPerSecond(agent, image, async ({ uid }) => await onWebSocket(agent, uid));
      say([bare, tcp, rfc2217, webSocket].map((rate) => `${Math.round(rate / 1_000)} kB/s`).join(", "));
      ratios.tcp.push(tcp / bare);
      ratios.rfc2217.push(rfc2217 / bare);
      ratios.webSocket.push(webSocket / bare);
    }
    const against = "bare QEMU socket";
    return [
      figure("serial-tcp", median(ratios.tcp), "ratio", against, ">=", 0.9),
      figure("serial-rfc2217", median(ratios.rfc2217), "ratio", against, ">=", 0.8),
      figure("serial-websocket", median(ratios.webSocket), "ratio", against, ">=", 0.8),
    ];
  },
};

async function bareBytesPerSecond(image: string): Promise<number> {
  await using guest = await startBareGuest(image);
  return await rate((onBytes) => guest.uart.on("data", (chunk: Buffer) => onBytes(chunk.length)));
}

async function bytesPerSecond(
  agent: BenchAgent,
  image: string,
  open: (instance: BenchInstance) => Promise<Listen>,
): Promise<number> {
  const instance = await agent.startInstance(image, { channels: CONSOLES, isPaused: true });
  const measured = rate(await open(instance));
  await instance.change({ isPaused: false });
  const result = await measured;
  await agent.client.deleteInstance(instance.uid);
  return result;
}

/** Bytes a second from the first one to the last. What is skipped for a slow reader never comes: it fails then. */
async function rate(listen: Listen): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => reject(new Error("not all of the output has come")), 120_000);
  let bytes = 0;
  let started = 0;
  listen((count) => {
    if (bytes === 0) started = performance.now();
    bytes += count;
    if (bytes >= BULK_BYTES) resolve((bytes * 1_000) / (performance.now() - started));
  });
  return await promise.finally(() => clearTimeout(timer));
}

/** Options of Telnet that come first are not counted. */
function onSocket(socket: Socket): Listen {
  return (onBytes) => {
    socket.on("data", (chunk: Buffer) => {
      if (chunk[0] !== 0xff) onBytes(chunk.length);
    });
  };
}

async function onWebSocket(agent: BenchAgent, uid: string): Promise<Listen> {
  let tell = (_count: number) => {};
  await agent.client.openConsole({ instance: uid }, "uart0", (data, isText) => {
    if (!isText) tell(data.length);
  });
  return (onBytes) => {
    tell = onBytes;
  };
}

/** Another firmware in a running instance with its consoles open, against the end of a bare QEMU and the next one. */
export const firmwareChange: BenchCase = {
  name: "firmware-change",
  title: "another firmware in a running instance, to its first byte",
  async run(say) {
    const image = exampleImage("shell");
    const bare = median(await bareChanges(image));
    const spawned = median(await changes(image));
    say(`bare ${bare.toFixed(1)} ms, stock QEMU ${spawned.toFixed(1)} ms`);
    const figures: Figure[] = [];
    const against = `stop and start of bare QEMU (${bare.toFixed(1)} ms)`;
    figures.push(figure("firmware-change-spawned", spawned / bare, "ratio", against, "<=", 1.1));
    const folder = farmQemuFolder();
    if (folder === undefined) {
      say(NOT_BUILT);
      return figures;
    }
    const recycled = median(await changes(image, folder));
    say(`recycled ${recycled.toFixed(1)} ms`);
    figures.push(figure("firmware-change-recycled", recycled / bare, "ratio", against, "<=", 0.2));
    return figures;
  },
};

async function bareChanges(image: string): Promise<number[]> {
  const samples: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const guest = await startBareGuest(image);
    await readUntil(guest.uart, "> ");
    const started = performance.now();
    await guest[Symbol.asyncDispose]();
    await using next = await startBareGuest(image);
    await next.firstByteMs;
    samples.push(performance.now() - started);
  }
  return samples;
}

async function changes(image: string, emulators?: string): Promise<number[]> {
  await using agent = await startBenchAgent(1, emulators);
  const bytes = await readFile(image);
  // What follows an ELF's last section changes its digest and nothing else.
  const firmware = [0, 1].map((value) => Buffer.concat([bytes, Buffer.of(value)]));
  const digests = await Promise.all(firmware.map((one) => agent.push(one)));
  const instance = await agent.startInstance(image, { channels: CONSOLES });
  const raw = await instance.connect("uart0");
  await readUntil(raw, "> ");
  const [rfc2217] = await Promise.all([
    instance.connect("uart0-rfc2217"),
    agent.client.openConsole({ instance: instance.uid }, "uart0", () => {}),
  ]);
  rfc2217.resume();
  const samples: number[] = [];
  for (let change = 0; change < CHANGES; change++) {
    const answered = once(raw, "data");
    const prompted = readUntil(raw, "> ");
    const started = performance.now();
    await instance.change({ firmware: { sha256: digests[change % 2] as string } });
    await answered;
    samples.push(performance.now() - started);
    await prompted;
  }
  return samples;
}
