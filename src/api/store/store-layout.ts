import { createHash } from "node:crypto";
import { join } from "node:path";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import { artifactSegment } from "../../core/wire/artifact.ts";

/** Jobs of one folder: small enough to list in a blink, large enough that a run of 100,000 has few folders. */
export const JOBS_PER_SHARD = 1_000;

/**
 * Where things lie in the store's folder:
 *
 * ```
 * runs/<run>                             head and spec, a line of JSON each
 * results/<run>/<shard>/<index>          verdict and its inline logs, a line of JSON each
 * results/<run>/<shard>/<index>.<n>.<uart>   log of attempt n that was too large to lie in the verdict
 * results/<run>/<shard>/<index>.<n>.artifacts/<name>   file that the test made
 * results/<run>/summary                  once all jobs are finished
 * results/<run>/cancelled[.<job>]        nobody wants the run, or the job, any more
 * keys/<digest>                          hard link to the run that has the submission key
 * firmware/<first two digits>/<digest>
 * instances/<name>                       an instance, a line of JSON
 * epochs/<pool>.<n>                      empty
 * outbox/<pid>-...                       blobs on their way into a bucket
 * bucket                                 which one the farm has, if it has one
 * journal/                               verdicts of the last seconds, against loss of power
 * tmp/<pid>-...                          what is being written
 * ```
 *
 * With a bucket, firmware, logs and artifacts have a line of JSON there instead (`<path>@s3`: object, size, digest), once
 * the bucket has them.
 */
export interface StoreLayout {
  readonly root: string;
  readonly runs: string;
  readonly results: string;
  readonly keys: string;
  readonly firmware: string;
  readonly instances: string;
  readonly epochs: string;
  readonly journal: string;
  readonly outbox: string;
  readonly bucketClaim: string;
  readonly temporary: string;
  run(runId: string): string;
  resultsOf(runId: string): string;
  shard(runId: string, shard: number): string;
  verdict(jobId: string): string;
  log(log: { jobId: string; attempt: number; uart: string }): string;
  artifact(artifact: { jobId: string; attempt: number; name: string }): string;
  key(tenant: string, key: string): string;
  firmwareFile(sha256: string): string;
  instance(name: string): string;
}

export function createStoreLayout(root: string): StoreLayout {
  const layout: StoreLayout = {
    root,
    runs: join(root, "runs"),
    results: join(root, "results"),
    keys: join(root, "keys"),
    firmware: join(root, "firmware"),
    instances: join(root, "instances"),
    epochs: join(root, "epochs"),
    journal: join(root, "journal"),
    outbox: join(root, "outbox"),
    bucketClaim: join(root, "bucket"),
    temporary: join(root, "tmp"),
    run: (runId) => join(layout.runs, checked(runId)),
    resultsOf: (runId) => join(layout.results, checked(runId)),
    shard: (runId, shard) => join(layout.resultsOf(runId), String(shard).padStart(3, "0")),
    verdict(jobId) {
      const { runId, index } = parseJobId(jobId);
      return join(layout.shard(runId, shardOf(index)), indexName(index));
    },
    log: ({ jobId, attempt, uart }) => `${layout.verdict(jobId)}.${attempt}.${checked(uart)}`,
    artifact: ({ jobId, attempt, name }) =>
      join(`${layout.verdict(jobId)}.${attempt}.artifacts`, artifactSegment(name)),
    key: (tenant, key) => join(layout.keys, createHash("sha256").update(`${tenant}\0${key}`).digest("hex")),
    firmwareFile: (sha256) => join(layout.firmware, checked(sha256).slice(0, 2), sha256),
    instance: (name) => join(layout.instances, checked(name)),
  };
  return layout;
}

/** Folders that are there from the start. */
export function foldersOf(layout: StoreLayout): string[] {
  const { runs, results, keys, firmware, instances, epochs, journal, outbox, temporary } = layout;
  return [runs, results, keys, firmware, instances, epochs, journal, outbox, temporary];
}

export const shardOf = (index: number): number => Math.floor(index / JOBS_PER_SHARD);
export const indexName = (index: number): string => String(index).padStart(6, "0");

/** Ids come from outside: one that could name another place is a fault of the caller, never a path. */
function checked(id: string): string {
  if (!/^[a-z0-9][a-z0-9-]*$/.test(id)) throw new RangeError(`not an id: ${id}`);
  return id;
}
