import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { vi } from "vitest";
import { createFarmClient, type FarmClient } from "../../../src/client/farm-client.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { API_VERSION } from "../../../src/core/schema/metadata.ts";
import type { JobVerdict } from "../../../src/core/wire/farm.ts";
import { SECRETS } from "../../../src/operator/kubernetes/kinds.ts";
import { buildFirmware } from "../../firmware/build.ts";
import type { FaultyFarm } from "./faulty-farm.ts";

const API_PORT = 8_080;
/** A job in a pool of which nobody knows whether it will be carried out waits no longer than this. */
const START_MS = 120_000;

/** Slots for jobs in a farm, and its API as its callers have it. */
export interface JobDesk extends AsyncDisposable {
  readonly client: FarmClient;
  /** Starts a job that passes when its guest has counted so far; settles when its guest runs. */
  startCounting(last: number): Promise<CountingJob>;
  /** Hands in such a job, whether or not anybody takes it. */
  submitCounting(last: number): Promise<CountingJob>;
  /** Verdict of a job of other firmware. */
  verdictOf(app: string): Promise<JobVerdict>;
}

export interface CountingJob {
  readonly id: string;
  readonly verdict: Promise<JobVerdict>;
}

export async function openJobDesk(farm: FaultyFarm, spec: object = {}): Promise<JobDesk> {
  const pool = {
    apiVersion: API_VERSION,
    kind: "EmulatorPool",
    metadata: { name: "default" },
    spec: { boards: ["mps2-an385"], replicas: 1, slotsPerPod: 2, ...spec },
  };
  await farm.installed.boards.kubectl(["apply", "--server-side", "-f", "-"], JSON.stringify(pool));
  const secret = await farm.sight.client.get(SECRETS, "emufarm-api", farm.installed.system.name);
  const token = Buffer.from(secret?.data?.token ?? "", "base64").toString();
  const [pod] = await farm.partPods("api");
  const client = createFarmClient({ address: `http://${pod?.status?.podIP}:${API_PORT}`, token });
  const upload = async (app: string) => {
    const image = await readFile(join(await buildFirmware(), `mps2-an385/${app}.elf`));
    return await client.uploadBytes(image);
  };
  const { sha256: metronome } = await upload("metronome");
  const submit = async (sha256: string, expectText: string) => {
    const job = { board: "mps2-an385", firmware: { sha256 }, expectText, timeout: "300s" };
    const run = await client.submitRun({ jobs: [job] });
    const verdict = verdictOf(client, run.id);
    // Asked for when the fault is over.
    verdict.catch(() => {});
    return { id: jobIdOf(run.id, 0), verdict };
  };
  const submitCounting = (last: number) => submit(metronome, `tick ${last}\n`);
  return {
    client,
    submitCounting,
    async startCounting(last) {
      const job = await submitCounting(last);
      const isRunning = async () => {
        const { state, waiting } = await client.job(job.id);
        if (state === "waiting") throw new Error(`the job waits: ${waiting?.reason}`);
      };
      await vi.waitFor(isRunning, { timeout: START_MS, interval: 250 });
      return job;
    },
    async verdictOf(app) {
      return await (await submit((await upload(app)).sha256, "never said")).verdict;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

async function verdictOf(client: FarmClient, runId: string): Promise<JobVerdict> {
  for await (const event of client.events(runId, { giveUpAfterMs: 180_000 })) {
    if (event.type === "jobFinished") return event.verdict;
  }
  throw new FarmError("Internal", { detail: `run ${runId} has ended without a verdict` });
}
