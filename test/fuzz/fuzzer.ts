import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Codec, corpusFolder } from "./codec.ts";

/** What a worker is to do. */
export interface FuzzOrder {
  readonly codec: string;
  readonly seed: number;
  readonly durationMs: number;
  /** The input that it is at: how many there have been and its length, in 4 bytes each, and the input. */
  readonly present: SharedArrayBuffer;
}
export const INPUT_AT = 8;

/** What it tells. */
export type FuzzNews =
  | { readonly type: "going on"; readonly executions: number }
  | { readonly type: "fault"; readonly file: string; readonly message: string }
  | { readonly type: "done"; readonly executions: number; readonly floods: number };

export interface FuzzResult {
  readonly executions: number;
  /** Inputs that were added to the corpus because they reach new code. */
  readonly kept: number;
  readonly faults: readonly string[];
}

const PRESENT_BYTES = 64 * 1024;
/** Nothing that is read takes a thousandth of it where the machine is idle. */
const HANG_MS = 300_000;
const HEAP_MIB = 1_024;

/** Fuzzes one codec for a while, in a thread of its own. */
export async function fuzz(codec: Codec, durationMs: number, seed: number): Promise<FuzzResult> {
  const present = new SharedArrayBuffer(PRESENT_BYTES);
  const order: FuzzOrder = { codec: codec.name, seed, durationMs, present };
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const faults: string[] = [];
  let [executions, kept] = [0, 0];
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const view = new DataView(present);
  const lose = (why: string) => {
    const file = join(corpusFolder(codec), `lost-${seed}`);
    writeFileSync(file, new Uint8Array(present).slice(INPUT_AT, INPUT_AT + view.getUint32(4)));
    faults.push(`${why}: ${file}`);
    resolve();
  };
  let seen = -1;
  const watch = setInterval(() => {
    const now = view.getUint32(0);
    if (now > 0 && now === seen) lose("it hangs");
    seen = now;
  }, HANG_MS);
  worker.on("message", (news: FuzzNews) => {
    if (news.type === "fault") {
      faults.push(`${news.file}: ${news.message}`);
      return;
    }
    executions = news.executions;
    if (news.type === "done") kept = news.floods;
  });
  worker.once("error", (error) => lose(`it failed with ${error.stack}`));
  worker.once("exit", () => resolve());
  await ended;
  clearInterval(watch);
  await worker.terminate();
  return { executions, kept, faults };
}
