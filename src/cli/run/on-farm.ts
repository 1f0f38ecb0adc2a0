import { createFarmClient, type FarmClient } from "../../client/farm-client.ts";
import type { JobRecord } from "../../core/wire/farm.ts";
import { chooseUart } from "../channel/target.ts";
import { tellAbsence } from "../farm/absence.ts";
import type { FarmAddress } from "../farm/find-farm.ts";
import { tellWaiting } from "../farm/tell-waiting.ts";
import type { GuestRun, NamedBytes, Outcome, RunPlace } from "./run-place.ts";

/** Runs firmware through the API of a running farm. */
export function onFarm(address: FarmAddress, say: (text: string) => void): RunPlace {
  const farm = createFarmClient(address);
  return {
    async start(request) {
      const files = [request.image, request.initrd, request.dtb].filter((file) => file !== undefined);
      const [uart] = await Promise.all([
        chooseUart({ board: () => farm.board(request.board) }, request.uart),
        ...files.map((file: NamedBytes) => farm.uploadBytes(file.bytes)),
      ]);
      const job = await farm.submitJob({ ...request.job, board: request.board });
      tellWaiting(farm, () => job.id, say);
      return guestRun(farm, job, uart, say);
    },
    // The connections go with the process, which ends right afterwards; closing them first would only take time.
    async [Symbol.asyncDispose]() {},
  };
}

function guestRun(farm: FarmClient, job: JobRecord, uart: string, say: (text: string) => void): GuestRun {
  return {
    output: () =>
      farm.followLog(job.id, uart, {
        ...tellAbsence(say),
        onRetry: (attempt) => say(`this is attempt ${attempt}: the farm tries again, the output begins anew`),
      }),
    async openInput() {
      // The farm keeps what is written until the guest runs.
      const socket = await farm.openConsole(job.id, uart, () => {});
      return { write: (bytes) => socket.send(bytes), [Symbol.dispose]: () => socket.close() };
    },
    openChannels: async () => ((await runs(farm, job)) ? farm.channels(job.id) : undefined),
    async outcome(save) {
      const verdict = (await farm.job(job.id)).verdict ?? (await verdictOf(farm, job, say));
      for (const { name } of verdict?.result?.artifacts ?? []) await save?.(name, farm.artifact(job.id, name));
      return outcomeOf(job, verdict);
    },
    async cancel(reason) {
      // Its run has no other job, and is listed as cancelled.
      await farm.cancelRun(job.runId, reason);
    },
  };
}

/** Settles once the job's guest runs; false where it ended first. */
async function runs(farm: FarmClient, job: JobRecord): Promise<boolean> {
  for await (const event of farm.events(job.runId)) {
    if (event.type === "jobFinished" || event.type === "end") return false;
    if (event.type === "jobRunning" || (await farm.job(job.id)).state === "running") return true;
  }
  return false;
}

async function verdictOf(farm: FarmClient, job: JobRecord, say: (text: string) => void): Promise<JobRecord["verdict"]> {
  const events = farm.events(job.runId, tellAbsence(say));
  for await (const event of events) if (event.type === "jobFinished") return event.verdict;
  return undefined;
}

function outcomeOf(job: JobRecord, verdict: JobRecord["verdict"]): Outcome {
  return {
    verdict: verdict?.verdict ?? "errored",
    error: verdict?.error,
    result: verdict?.result,
    isFlaky: verdict?.isFlaky ?? false,
    jobId: job.id,
  };
}
