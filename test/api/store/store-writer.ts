import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aVerdict } from "../../gen/run.ts";

/** Writes verdicts as fast as it can, several at a time, and tells each one that is there, until it is killed. */
const [folder = "", runId = "", first = "0"] = process.argv.slice(2);
const store = await FolderStore.open({ folder, onFault: () => {} });
let next = Number(first);

async function write(): Promise<void> {
  for (;;) {
    const jobId = jobIdOf(runId, next++);
    await store.createVerdict(aVerdict(jobId));
    process.stdout.write(`${jobId}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, write));
