import type { Log } from "../../log/log.ts";
import type { AgentTrust } from "./agent-trust.ts";

export interface TrustKeeperDependencies {
  readonly trust: Pick<AgentTrust, "rotate">;
  /** Where agents are. */
  readonly namespaces: () => Iterable<string>;
  /** The wall clock. */
  readonly clock: () => number;
  readonly log: Log;
}

/** What somebody has deleted by mistake is there again after this time. */
const LONGEST_WAIT_MS = 3_600_000;
const SHORTEST_WAIT_MS = 500;
const RETRY_MS = 10_000;

/** Has keys made before they are needed, from now until it is disposed of. */
export function keepTrust({ trust, namespaces, clock, log }: TrustKeeperDependencies): AsyncDisposable {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  let working: Promise<void> = Promise.resolve();

  async function rotate(): Promise<void> {
    let waitMs = RETRY_MS;
    try {
      const dueInMs = (await trust.rotate(namespaces())) - clock();
      waitMs = Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, dueInMs));
    } catch (error) {
      if (isOver) return;
      // What is there is good for a while yet.
      log.error({ err: error }, "the farm's keys could not be looked after; trying again");
    }
    if (!isOver) timer = setTimeout(begin, waitMs).unref();
  }

  function begin(): void {
    working = rotate();
  }

  begin();
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      clearTimeout(timer);
      await working;
    },
  };
}
