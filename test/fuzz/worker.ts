import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { CodecFault, checkInput } from "./check-input.ts";
import { type Codec, corpusFolder, readCorpus } from "./codec.ts";
import { CODECS } from "./codecs.ts";
import { Coverage } from "./coverage.ts";
import { checkFlood } from "./flood.ts";
import { type FuzzNews, type FuzzOrder, INPUT_AT } from "./fuzzer.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

const MAX_INPUT_BYTES = 8_192;
/** How long inputs are tried before it is asked what code they have reached: asking takes some ms. */
const BATCH_MS = 300;
const MAX_BATCH = 2_000;

const order = workerData as FuzzOrder;
const codec = CODECS.find(({ name }) => name === order.codec) as Codec;
const random = new Random(order.seed);
const present = new Uint8Array(order.present);
const view = new DataView(order.present);
const corpus = [...readCorpus(codec).values()];
let executions = 0;
let floods = 0;

await using coverage = await Coverage.start();
for (const input of corpus) await execute(input);
await coverage.hasGrown({ isKept: true });
const endsAtMs = performance.now() + order.durationMs;
while (performance.now() < endsAtMs) await runBatch();
tell({ type: "done", executions, floods });

async function runBatch(): Promise<void> {
  const batch: Buffer[] = [];
  const untilMs = performance.now() + BATCH_MS;
  while (batch.length < MAX_BATCH && performance.now() < untilMs) {
    const input = mutate(random.pick(corpus), random.pick(corpus), random, MAX_INPUT_BYTES);
    batch.push(input);
    await execute(input);
  }
  if (await coverage.hasGrown({ isKept: false })) await keepNew(batch);
  tell({ type: "going on", executions });
}

/** Of these, those that reach new code, found by halving. */
async function keepNew(inputs: readonly Buffer[]): Promise<void> {
  if (!(await reachesNew(inputs))) return;
  const [only] = inputs;
  if (inputs.length === 1 && only) {
    await keep(await small(only));
    return;
  }
  const middle = inputs.length >> 1;
  await keepNew(inputs.slice(0, middle));
  await keepNew(inputs.slice(middle));
}

async function reachesNew(inputs: readonly Buffer[]): Promise<boolean> {
  await coverage.hasGrown({ isKept: false });
  for (const input of inputs) await execute(input);
  return await coverage.hasGrown({ isKept: false });
}

/** As much left out as can be while it still reaches new code. */
async function small(input: Buffer): Promise<Buffer> {
  let smallest = input;
  for (let bytes = input.length >> 1; bytes >= 1; bytes >>= 1) {
    for (let at = 0; at + bytes <= smallest.length && smallest.length / bytes <= 64; ) {
      const less = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + bytes)]);
      if (await reachesNew([less])) smallest = less;
      else at += bytes;
    }
  }
  return smallest;
}

async function keep(input: Buffer): Promise<void> {
  corpus.push(input);
  store(input);
  await execute(input);
  await coverage.hasGrown({ isKept: true });
  floods += 1;
  await judged(input, () => checkFlood(codec, input));
}

async function execute(input: Buffer): Promise<void> {
  executions += 1;
  // Who watches sees what hangs.
  const seen = input.subarray(0, present.length - INPUT_AT);
  present.set(seen, INPUT_AT);
  view.setUint32(0, executions);
  view.setUint32(4, seen.length);
  await judged(input, () => checkInput(codec, input, executions));
}

async function judged(input: Buffer, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (!(error instanceof CodecFault)) throw error;
    const file = store(input);
    tell({ type: "fault", file, message: error.message });
  }
}

function store(input: Buffer): string {
  const folder = corpusFolder(codec);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, createHash("sha256").update(input).digest("hex").slice(0, 12));
  writeFileSync(file, input);
  return file;
}

function tell(news: FuzzNews): void {
  parentPort?.postMessage(news);
}
