import { type BenchCase, figure } from "../case.ts";
import { startBenchAgent } from "../measure/agent.ts";
import { startBareQmp } from "../measure/bare-qmp.ts";
import { exampleImage } from "../measure/image.ts";
import { openQmpMeter } from "../measure/qmp-round-trips.ts";
import { readUntil } from "../measure/serial.ts";
import { percentile } from "../measure/statistics.ts";

const SAMPLES = 5_000;
const CLIENTS = 16;

/** A command of QMP and its answer through the proxy, against the emulator's own socket. */
export const qmp: BenchCase = {
  name: "qmp",
  title: "QMP round trip",
  async run(say) {
    const image = exampleImage("shell");
    const bare = await timesOfBare(image);
    const ours = await timesOfProxy(image);
    const p99 = (samples: readonly number[]) => percentile(samples, 0.99);
    say(`one client: p50 ${percentile(ours.one, 0.5).toFixed(3)} ms, p99 ${p99(ours.one).toFixed(3)} ms`);
    say(`bare: p50 ${percentile(bare.one, 0.5).toFixed(3)} ms, p99 ${p99(bare.one).toFixed(3)} ms`);
    say(`${CLIENTS} clients: p50 ${percentile(ours.many, 0.5).toFixed(3)} ms, p99 ${p99(ours.many).toFixed(3)} ms`);
    say(
      `bare, ${CLIENTS} under way: p50 ${percentile(bare.many, 0.5).toFixed(3)} ms, p99 ${p99(bare.many).toFixed(3)} ms`,
    );
    const against = `bare QMP socket (${p99(bare.one).toFixed(2)} ms)`;
    const manyAgainst = `bare QMP socket, ${CLIENTS} commands under way (${p99(bare.many).toFixed(2)} ms)`;
    return [
      figure("qmp-p99", p99(ours.one) - p99(bare.one), "ms more", against, "<=", 0.3),
      figure("qmp-16-clients-p99", p99(ours.many) - p99(bare.many), "ms more", manyAgainst, "<=", 1),
    ];
  },
};

interface Times {
  readonly one: readonly number[];
  /** With as many commands under way as there are clients: the bare socket has room for one client only. */
  readonly many: readonly number[];
}

async function timesOfBare(image: string): Promise<Times> {
  await using bare = await startBareQmp(image);
  const meter = await openQmpMeter(bare.qmp);
  return { one: await meter.roundTrips(SAMPLES), many: await meter.roundTrips(SAMPLES, CLIENTS) };
}

async function timesOfProxy(image: string): Promise<Times> {
  await using agent = await startBenchAgent(1);
  const instance = await agent.startInstance(image, { channels: ["uart0", "qmp"] });
  // Before the emulator is there, every command is answered with an error.
  await readUntil(await instance.connect("uart0"), "> ");
  const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => instance.connect("qmp")));
  const meters = await Promise.all(sockets.map(openQmpMeter));
  const one = (await meters[0]?.roundTrips(SAMPLES)) ?? [];
  const many = await Promise.all(meters.map((meter) => meter.roundTrips(Math.ceil(SAMPLES / CLIENTS))));
  for (const socket of sockets) socket.destroy();
  return { one, many: many.flat() };
}
