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
    await using agent = await startBenchAgent(1);
    await using guest = await startBareGuest(image);
    const ours = await echoP99Ms(await agent.openConsole(image));
    const bare = await echoP99Ms(guest.uart);
    say(`p99 ${ours.toFixed(2)} ms, bare ${bare.toFixed(2)} ms`);
    return [figure("echo-p99", ours - bare, "ms more", `bare QEMU socket (${bare.toFixed(2)} ms)`, "<=", 0.3)];
  },
};

/** The bare socket needs a byte more now and then to wake QEMU up; the farm's kicks are the farm's business. */
async function echoP99Ms(socket: Socket): Promise<number> {
  await readUntil(socket, "ready\n");
  const samples = await roundTrips(socket, SAMPLES, 1);
  socket.destroy();
  return percentile(samples, 0.99);
}
