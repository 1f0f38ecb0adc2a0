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
    await using guest = await startBareGuest(image, { hasQmp: true });
    const ours = await echoP99Ms(await agent.openConsole(image));
    const bare = await echoP99Ms(guest.uart, () => guest.kick());
    say(`p99 ${ours.toFixed(2)} ms, bare ${bare.toFixed(2)} ms`);
    return [figure("echo-p99", ours - bare, "ms more", `bare QEMU socket (${bare.toFixed(2)} ms)`, "<=", 0.3)];
  },
};

/** Each write to the bare socket is followed by a QMP command, or stock QEMU would leave some for ever. */
async function echoP99Ms(socket: Socket, afterWrite?: () => void): Promise<number> {
  await readUntil(socket, "ready\n");
  const samples = await roundTrips(socket, SAMPLES, 1, afterWrite);
  socket.destroy();
  return percentile(samples, 0.99);
}
