import type { FarmClient } from "../../client/farm-client.ts";

/** Name of the console of a job's board. */
export async function consoleOfJob(farm: FarmClient, jobId: string): Promise<string> {
  const job = await farm.job(jobId);
  const { spec } = await farm.board(job.spec.board);
  return spec.uarts[0]?.name ?? "uart0";
}
