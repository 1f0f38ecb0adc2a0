import type { JobVerdict } from "../../core/wire/farm.ts";
import type { Store } from "../store/store.ts";

/** How much of a log a report shows: the end is where the reason stands. */
const TAIL_BYTES = 4 * 1024;

/** The last part of the logs of a job, each with its UART's name where there are several. */
export async function readLogTail(store: Store, verdict: JobVerdict): Promise<string> {
  const logs = verdict.result?.logs.filter(({ keptBytes }) => keptBytes > 0) ?? [];
  const parts: string[] = [];
  for (const { uart, keptBytes } of logs) {
    const offset = Math.max(0, keptBytes - TAIL_BYTES);
    const stream = await store.openLog({ jobId: verdict.jobId, attempt: verdict.attempt, uart }, offset);
    if (!stream) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const cut = offset > 0 ? `[${offset} bytes before]\n` : "";
    parts.push(logs.length > 1 ? `--- ${uart}\n${cut}${text}` : cut + text);
  }
  return parts.join("\n");
}
