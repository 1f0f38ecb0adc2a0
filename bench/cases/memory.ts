import { type BenchCase, figure } from "../case.ts";
import { startBenchAgent } from "../measure/agent.ts";
import { testImage } from "../measure/image.ts";
import { residentMiB } from "../measure/process-usage.ts";
import { readUntil } from "../measure/serial.ts";

const SLOTS = 16;

/** Memory of the agent with nothing to do, and for each running slot. */
export const memory: BenchCase = {
  name: "memory",
  title: "agent memory",
  async run(say) {
    const image = await testImage("echo");
    await using agent = await startBenchAgent(SLOTS);
    const idle = await residentMiB(agent.pid);
    const consoles = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const socket = await agent.openConsole(image);
      await readUntil(socket, "ready\n");
      consoles.push(socket);
    }
    const busy = await residentMiB(agent.pid);
    for (const socket of consoles) socket.destroy();
    say(`idle ${idle.toFixed(0)} MiB, ${SLOTS} slots ${busy.toFixed(0)} MiB`);
    return [
      figure("memory-idle", idle, "MiB", "RSS of the agent process", "<=", 90),
      figure("memory-per-slot", (busy - idle) / SLOTS, "MiB", `(RSS at ${SLOTS} slots - idle) / ${SLOTS}`, "<=", 6),
    ];
  },
};
