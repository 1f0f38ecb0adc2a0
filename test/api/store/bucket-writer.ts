import { Readable } from "node:stream";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import { createS3Bucket } from "../../../src/api/store/s3-bucket.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { createLog } from "../../../src/log/log.ts";
import { aVerdict } from "../../gen/run.ts";
import { longLog } from "./long-log.ts";

/** Writes logs and verdicts as fast as it can, and tells each that is there, until it is killed. */
const [folder = "", runId = "", first = "0", settings = ""] = process.argv.slice(2);
const bucket = createS3Bucket(JSON.parse(settings));
const log = createLog({ name: "writer", level: "silent" });
const store = await FolderStore.open({ folder, bucket: { bucket, log }, onFault: () => {} });
for (let index = Number(first); ; index += 1) {
  const jobId = jobIdOf(runId, index);
  await store.writeLog({ jobId, attempt: 1, uart: "uart0" }, Readable.from([longLog(jobId)]));
  await store.createVerdict(aVerdict(jobId));
  process.stdout.write(`${jobId}\n`);
}
