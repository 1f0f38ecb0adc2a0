import { readFileSync, statSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { jobIdOf, parseJobId } from "../../core/policy/attempt-id.ts";
import type { JobVerdict } from "../../core/wire/farm.ts";
import { createWhole, createWholeAtOnce, discard, type TemporaryNames } from "./atomic-file.ts";
import { isMissing } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";
import type { VerdictJournal } from "./verdict-journal.ts";

/** Files read in one go before others get their turn: short enough not to be felt. */
const READ_SLICE = 64;
/** Verdicts that were read last: several callers ask for one that has just come. */
const MAX_RECENT = 64;
/** One with more in it (thousands of test cases) is read again. */
const MAX_RECENT_BYTES = 64 * 1024;
/** A disk that keeps a writer waiting for so long is taken to be slow for a while. */
const SLOW_MS = 10;
const SLOW_FOR_MS = 2_000;
const VERDICT_NAME = /^\d{6}$/;

/** A log that lies in the verdict's file. */
interface InlineLog {
  readonly uart: string;
  readonly base64: string;
}

/** The verdicts of a folder store: a file each, created by link(2), in folders of a thousand jobs. */
export class VerdictFiles {
  readonly #layout: StoreLayout;
  readonly #temporary: TemporaryNames;
  readonly #journal: VerdictJournal;
  /** Folders that are known to be there. */
  readonly #folders = new Set<string>();
  readonly #recent = new Map<string, JobVerdict>();
  #slowUntilMs = 0;

  constructor(layout: StoreLayout, temporary: TemporaryNames, journal: VerdictJournal) {
    this.#layout = layout;
    this.#temporary = temporary;
    this.#journal = journal;
  }

  async create(verdict: JobVerdict): Promise<"created" | "exists"> {
    const path = this.#layout.verdict(verdict.jobId);
    const data = encode(verdict);
    await this.ensureFolder(dirname(path));
    if (!(await this.#write(path, data))) return "exists";
    this.#journal.append(path, data);
    return "created";
  }

  async read(jobId: string): Promise<JobVerdict | undefined> {
    const known = this.#recent.get(jobId);
    if (known) return known;
    const data = readIfThere(this.#layout.verdict(jobId));
    if (!data) return undefined;
    const verdict = decode(data);
    if (data.length <= MAX_RECENT_BYTES) this.#remember(verdict);
    return verdict;
  }

  /** A log that travelled in the verdict of this attempt. */
  async readInlineLog(log: { jobId: string; attempt: number; uart: string }): Promise<Buffer | undefined> {
    const data = readIfThere(this.#layout.verdict(log.jobId));
    if (!data || decode(data).attempt !== log.attempt) return undefined;
    const text = data.toString("utf8", data.indexOf("\n") + 1);
    if (text === "") return undefined;
    const found = (JSON.parse(text) as InlineLog[]).find(({ uart }) => uart === log.uart);
    return found && Buffer.from(found.base64, "base64");
  }

  async *list(runId: string): AsyncIterable<JobVerdict> {
    for (const shard of await this.#shards(runId)) {
      const names = await verdictNames(shard);
      for (let start = 0; start < names.length; start += READ_SLICE) {
        const slice = names.slice(start, start + READ_SLICE).map((name) => decode(readFileSync(join(shard, name))));
        yield* slice;
        await setImmediate();
      }
    }
  }

  async listFinished(runId: string): Promise<Set<string>> {
    const finished = new Set<string>();
    for (const shard of await this.#shards(runId)) {
      for (const name of await verdictNames(shard)) finished.add(jobIdOf(runId, Number(name)));
    }
    return finished;
  }

  async count(runId: string): Promise<number> {
    let count = 0;
    for (const shard of await this.#shards(runId)) count += (await verdictNames(shard)).length;
    return count;
  }

  /** Removes what loss of power left empty: such a verdict was less than a second old, and its job runs again. */
  async removeIncomplete(runId: string): Promise<void> {
    for (const shard of await this.#shards(runId)) {
      for (const name of await verdictNames(shard)) {
        const path = join(shard, name);
        if (statSync(path, { throwIfNoEntry: false })?.size === 0) await discard(path);
      }
    }
  }

  async ensureFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await mkdir(folder, { recursive: true });
    this.#folders.add(folder);
  }

  forget(runId: string): void {
    const prefix = `${this.#layout.resultsOf(runId)}/`;
    for (const folder of this.#folders) if (folder.startsWith(prefix)) this.#folders.delete(folder);
    for (const jobId of this.#recent.keys()) if (parseJobId(jobId).runId === runId) this.#recent.delete(jobId);
  }

  /** At once while the disk is quick; else others would wait for it with this verdict. */
  async #write(path: string, data: Buffer): Promise<boolean> {
    const temporary = this.#temporary.next();
    const startedMs = performance.now();
    if (startedMs < this.#slowUntilMs) return await createWhole(path, data, temporary);
    try {
      return createWholeAtOnce(path, data, temporary);
    } finally {
      const endedMs = performance.now();
      if (endedMs - startedMs > SLOW_MS) this.#slowUntilMs = endedMs + SLOW_FOR_MS;
    }
  }

  #remember(verdict: JobVerdict): void {
    this.#recent.set(verdict.jobId, verdict);
    if (this.#recent.size > MAX_RECENT) this.#recent.delete(this.#recent.keys().next().value ?? "");
  }

  /** Folders of the run's shards, in order of the jobs. */
  async #shards(runId: string): Promise<string[]> {
    const folder = this.#layout.resultsOf(runId);
    const names = await namesIn(folder);
    return names
      .filter((name) => /^\d{3}$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  }
}

async function verdictNames(shard: string): Promise<string[]> {
  const names = await namesIn(shard);
  return names.filter((name) => VERDICT_NAME.test(name)).sort();
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Reading small files at once costs a quarter of what it costs through the thread pool. */
function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The verdict without its logs in the first line, the logs in the second. */
function encode(verdict: JobVerdict): Buffer {
  const inline: InlineLog[] = [];
  const logs = verdict.result?.logs.map(({ base64, ...log }) => {
    if (base64 !== undefined) inline.push({ uart: log.uart, base64 });
    return log;
  });
  const bare = verdict.result && logs ? { ...verdict, result: { ...verdict.result, logs } } : verdict;
  return Buffer.from(`${JSON.stringify(bare)}\n${inline.length > 0 ? `${JSON.stringify(inline)}\n` : ""}`);
}

function decode(data: Buffer): JobVerdict {
  return JSON.parse(data.toString("utf8", 0, data.indexOf("\n"))) as JobVerdict;
}
