import type { Socket } from "node:net";
import { type BenchCase, figure } from "../case.ts";
import { boardOf, startBenchAgent } from "../measure/agent.ts";
import { startBarePins } from "../measure/bare-pins.ts";
import { testImage } from "../measure/image.ts";
import { readUntil } from "../measure/serial.ts";
import { median, percentile } from "../measure/statistics.ts";

/** A board whose pins stock QEMU shows, the path of its device, and two lines that nothing else is connected to. */
const [BOARD, DEVICE, INPUT, OUTPUT] = ["microbit", "/machine/nrf51", 3, 13];
const SAMPLES = 2_000;
const EDGES = 200_000;
const ROUNDS = 3;

/** Pins by qtest: a line is driven and another one answers; a guest that changes one as fast as it can. */
export const pins: BenchCase = {
  name: "pins",
  title: "pins",
  async run(say) {
    const image = await testImage("pins", BOARD);
    const ours = await answersOfFarm(image);
    const bare = await answersOfBare(image);
    for (const share of [0.5, 0.99]) {
      say(`p${share * 100} ${percentile(ours, share).toFixed(2)} ms, bare ${percentile(bare, share).toFixed(2)} ms`);
    }
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const [bareRate, ourRate] = [await edgesOfBare(image), await edgesOfFarm(image)];
      say(`${Math.round(ourRate / 1_000)}k edges/s, bare ${Math.round(bareRate / 1_000)}k`);
      ratios.push(ourRate / bareRate);
    }
    const [oursP99, bareP99] = [percentile(ours, 0.99), percentile(bare, 0.99)];
    return [
      figure("pin-p99", oursP99 - bareP99, "ms more", `bare qtest socket (${bareP99.toFixed(2)} ms)`, "<=", 0.5),
      figure("edges", median(ratios), "ratio", "bare qtest socket", ">=", 0.9),
    ];
  },
};

async function answersOfFarm(image: string): Promise<number[]> {
  await using agent = await startBenchAgent(1);
  const instance = await agent.startInstance(image, { boardName: BOARD, channels: ["uart0", "gpio"] });
  const [uart, gpio] = [await instance.connect("uart0"), await instance.connect("gpio")];
  // What is written before the guest is there is lost, as on a real line.
  await readUntil(uart, "pins\n");
  await begin(uart, `i ${INPUT}\no ${OUTPUT}\nm ${INPUT} ${OUTPUT}\n`, "m 1");
  const samples = await answers(gpio, (level) => [`SET ${INPUT} ${level}\n`, `GPIO ${OUTPUT} ${level}\n`]);
  for (const socket of [uart, gpio]) socket.destroy();
  return samples;
}

async function answersOfBare(image: string): Promise<number[]> {
  await using bare = await startBarePins(BOARD, DEVICE, image);
  await begin(bare.uart, `i ${INPUT}\no ${OUTPUT}\nm ${INPUT} ${OUTPUT}\n`, "m 1", bare.kick);
  return await answers(bare.qtest, (level) => [
    `set_irq_in ${DEVICE} unnamed-gpio-in ${INPUT} ${level}\n`,
    `IRQ ${level === 1 ? "raise" : "lower"} ${OUTPUT}\n`,
  ]);
}

/** Drives the input to and fro; milliseconds until each answer. */
async function answers(socket: Socket, say: (level: 0 | 1) => [question: string, answer: string]): Promise<number[]> {
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const [question, answer] = say(sample % 2 === 0 ? 1 : 0);
    const answered = readUntil(socket, answer);
    const started = performance.now();
    socket.write(question);
    await answered;
    samples.push(performance.now() - started);
  }
  return samples;
}

/** Edges a second that a scenario's recording holds, every one of them. */
async function edgesOfFarm(image: string): Promise<number> {
  await using agent = await startBenchAgent(1);
  const steps = [
    { "write-serial": `o ${OUTPUT}\n` },
    { "wait-serial": "o 1" },
    { "write-serial": `t ${OUTPUT} ${EDGES}\n` },
    { "wait-serial": "t 1" },
  ];
  const scenario = { version: 1 as const, pins: true, steps };
  const board = boardOf(BOARD);
  const result = await agent.runAttempt(image, { boardName: BOARD, board, scenario, timeout: "120s" });
  if (result.verdict !== "passed") throw new Error(`the attempt is ${result.verdict}: ${result.error?.message}`);
  const bytes = result.artifacts?.[0]?.bytes ?? 0;
  if (bytes < EDGES * 4) throw new Error(`the recording has ${bytes} bytes only: edges were lost`);
  return (EDGES * 1_000) / (result.steps[3]?.durationMs ?? Number.NaN);
}

async function edgesOfBare(image: string): Promise<number> {
  await using bare = await startBarePins(BOARD, DEVICE, image);
  let lines = 0;
  bare.qtest.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) lines += 1;
  });
  await begin(bare.uart, `o ${OUTPUT}\n`, "o 1", bare.kick);
  const started = performance.now();
  await begin(bare.uart, `t ${OUTPUT} ${EDGES}\n`, "t 1", bare.kick);
  const elapsedMs = performance.now() - started;
  if (lines < EDGES) throw new Error(`bare QEMU told ${lines} of ${EDGES} edges`);
  return (EDGES * 1_000) / elapsedMs;
}

/** Tells the firmware over its console what to do, and waits until it does; stock QEMU is made to take the input. */
async function begin(uart: Socket, commands: string, answer: string, kick: () => void = () => {}): Promise<void> {
  const answered = readUntil(uart, answer);
  uart.write(commands);
  const kicks = setInterval(kick, 5);
  try {
    await answered;
  } finally {
    clearInterval(kicks);
  }
}
