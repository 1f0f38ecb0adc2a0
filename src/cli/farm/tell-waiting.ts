import type { FarmClient } from "../../client/farm-client.ts";

/** Nobody wonders before that. */
const LONG_WAIT_MS = 2_000;

/**
 * Says why nothing happens, where a job still waits after a while: instances may have every slot, and a farm in a
 * cluster may have none at all. Ends when it is disposed of.
 */
export function tellWaiting(
  farm: Pick<FarmClient, "job">,
  jobId: () => string | undefined,
  say: (text: string) => void,
): Disposable {
  const tell = async () => {
    const id = jobId();
    if (id === undefined) return;
    const { waiting } = await farm.job(id);
    if (waiting) say(`the job waits: ${waiting.reason}`);
  };
  // What follows the job tells what is wrong with the farm.
  const timer = setTimeout(() => void tell().catch(() => {}), LONG_WAIT_MS).unref();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
