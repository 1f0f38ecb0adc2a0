import type { EmulatorPoolStatus } from "../../core/schema/emulator-pool.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import type { Log } from "../../log/log.ts";

/** Why pools have fewer agents than they shall have, in the cluster's own words: a sentence for each that is in trouble. */
export type PoolObstacles = () => Promise<readonly string[]>;

type Pool = KubeObject & { readonly status?: Partial<EmulatorPoolStatus> };

const POOLS: Resource<Pool> = {
  apiVersion: "emufarm.dev/v1alpha1",
  kind: "EmulatorPool",
  plural: "emulatorpools",
  isNamespaced: true,
};
/** Of a pool that comes up as pools do. */
const USUAL_REASON = "Progressing";
/** Every job of a list asks. */
const FRESH_MS = 2_000;

export interface PoolObstaclesOptions {
  readonly client: Pick<KubeClient, "list">;
  /** Where pools are looked for; none: everywhere. */
  readonly namespaces: readonly string[];
  readonly log: Log;
}

export function createPoolObstacles({ client, namespaces, log }: PoolObstaclesOptions): PoolObstacles {
  let asked: { readonly atMs: number; readonly found: Promise<readonly string[]> } | undefined;
  const places = namespaces.length === 0 ? [{}] : namespaces.map((namespace) => ({ namespace }));

  async function look(): Promise<readonly string[]> {
    try {
      const lists = await Promise.all(places.map((place) => client.list(POOLS, place)));
      return lists.flatMap(({ items }) => items.flatMap(obstacleOf));
    } catch (error) {
      // A job waits as it did: it is only not said why.
      log.warn({ err: error }, "the state of the pools cannot be read");
      return [];
    }
  }

  return () => {
    const nowMs = performance.now();
    if (!asked || nowMs - asked.atMs > FRESH_MS) asked = { atMs: nowMs, found: look() };
    return asked.found;
  };
}

function obstacleOf({ metadata: { name, namespace }, status }: Pool): string[] {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  if (ready?.status !== "False" || ready.reason === USUAL_REASON) return [];
  return [`pool ${name} in namespace ${namespace}: ${ready.message}`];
}
