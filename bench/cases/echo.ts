import type { Socket } from "node:net";
import { type BenchCase, figure } from "../case.ts";
import { startBenchAgent } from "../measure/agent.ts";
import { startBareGuest } from "../measure/bare-qemu.ts";
import { testImage } from "../measure/image.ts";
import { readUntil, roundTrips } from "../measure/serial.ts";
import { percentile } from "../measure/statistics.ts";

const SAMPLES = 3_000;

/** A byte to the guest and back, raw TCP through the hub, against a bare QEMU socket. */
export const echo: BenchCase = {
  name: "echo",
  title: "UART echo round trip",
  async run(say) {
    const image = await testImage("echo");
    const ours = await roundTripsOfHub(image);
    const bare = await roundTripsOfBare(image);
    for (const share of [0.5, 0.9, 0.99]) {
      say(`p${share * 100} ${percentile(ours, share).toFixed(2)} ms, bare ${percentile(bare, share).toFixed(2)} ms`);
    }
    const [oursP99, bareP99] = [percentile(ours, 0.99), percentile(bare, 0.99)];
    return [figure("echo-p99", oursP99 - bareP99, "ms more", `bare QEMU socket (${bareP99.toFixed(2)} ms)`, "<=", 0.3)];
  },
};

// One guest at a time: this one looks for input without a pause, and two of them leave a small machine no time for
// whoever passes it on.

async function roundTripsOfHub(image: string): Promise<number[]> {
  await using agent = await startBenchAgent(1);
  return await echoTimes(await agent.openConsole(image));
}

/** Each write to the bare socket is followed by a QMP command, or stock QEMU would leave some for ever. */
async function roundTripsOfBare(image: string): Promise<number[]> {
  await using guest = await startBareGuest(image, { hasQmp: true });
  return await echoTimes(guest.uart, () => guest.kick());
}

async function echoTimes(socket: Socket, afterWrite?: () => void): Promise<number[]> {
  await readUntil(socket, "ready\n");
  const samples = await roundTrips(socket, SAMPLES, 1, afterWrite);
  socket.destroy();
  return samples;
}
