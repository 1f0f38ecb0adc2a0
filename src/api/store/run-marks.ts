import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createWhole, type TemporaryNames } from "./atomic-file.ts";
import type { Cancellation, RunSummary } from "./store.ts";
import { isMissing } from "./store-fault.ts";
import type { StoreLayout } from "./store-layout.ts";

const SUMMARY = "summary";
const CANCELLED = "cancelled";

/** What is noted about a run as a whole: its summary, and that somebody cancelled it or some of its jobs. */
export interface RunMarks {
  createSummary(runId: string, summary: RunSummary): Promise<void>;
  readSummary(runId: string): Promise<RunSummary | undefined>;
  createCancellation(runId: string, reason: string, jobIds: readonly string[] | undefined): Promise<void>;
  readCancellation(runId: string): Promise<Cancellation>;
}

export function createRunMarks(layout: StoreLayout, temporary: TemporaryNames): RunMarks {
  async function create(runId: string, name: string, content: string): Promise<void> {
    await mkdir(layout.resultsOf(runId), { recursive: true });
    await createWhole(join(layout.resultsOf(runId), name), content, temporary.next(), { isDurable: true });
  }

  async function read(runId: string, name: string): Promise<string | undefined> {
    try {
      return await readFile(join(layout.resultsOf(runId), name), "utf8");
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  return {
    createSummary: (runId, summary) => create(runId, SUMMARY, JSON.stringify(summary)),

    async readSummary(runId) {
      const text = await read(runId, SUMMARY);
      return text === undefined ? undefined : (JSON.parse(text) as RunSummary);
    },

    async createCancellation(runId, reason, jobIds) {
      if (jobIds === undefined) return await create(runId, CANCELLED, reason);
      for (const jobId of jobIds) await create(runId, `${CANCELLED}.${jobId}`, reason);
    },

    async readCancellation(runId) {
      const names = await readdir(layout.resultsOf(runId)).catch((error: unknown): string[] => {
        if (isMissing(error)) return [];
        throw error;
      });
      const jobs = new Map<string, string>();
      const prefix = `${CANCELLED}.`;
      for (const name of names.filter((one) => one.startsWith(prefix))) {
        jobs.set(name.slice(prefix.length), (await read(runId, name)) ?? "");
      }
      const run = names.includes(CANCELLED) ? await read(runId, CANCELLED) : undefined;
      return { ...(run !== undefined && { run }), jobs };
    },
  };
}
