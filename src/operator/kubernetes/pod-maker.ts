import { randomBytes } from "node:crypto";
import type { Problem } from "../../core/policy/instance-observation.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { TellEvent } from "../tell-event.ts";
import type { AgentTrust } from "../trust/agent-trust.ts";
import type { MadeObjects } from "./farm-caches.ts";
import { type FarmObject, FIELD_MANAGER, PODS, type Pod } from "./kinds.ts";

/** Why the last pod of an owner could not be made, and when to try again. */
export interface PodRefusal {
  last?: { readonly problem: Problem; readonly retryAtMs: number } | undefined;
  count: number;
}

export interface PodMakerDependencies {
  readonly client: KubeClient;
  readonly trust: AgentTrust;
  readonly made: MadeObjects<Pod>;
  readonly tell: TellEvent;
  readonly clock: () => number;
}

/** Makes pods, each with its identity. */
export interface PodMaker {
  /** What the API server does not let in is remembered, not thrown: it stays out for a while. */
  create(owner: FarmObject, pod: Pod, refusal: PodRefusal): Promise<void>;
  /** For a pod whose Secret an operator before this one may not have made. */
  ensureIdentity(pod: Pod): Promise<void>;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const SUFFIX_BYTES = 6;
/** Room for a dash and a random part in a name of 63 characters. */
const LONGEST_STEM = 45;
/** Identities that are remembered as made: more than there are pods. */
const MAX_REMEMBERED = 100_000;

export function createPodMaker({ client, trust, made, tell, clock }: PodMakerDependencies): PodMaker {
  const identities = new Set<string>();

  async function ensureIdentity(pod: Pod): Promise<void> {
    const { uid = "" } = pod.metadata;
    if (identities.has(uid)) return;
    await trust.issueIdentity(pod);
    if (identities.size >= MAX_REMEMBERED) identities.clear();
    identities.add(uid);
  }

  return {
    ensureIdentity,
    async create(owner, wanted, refusal) {
      let pod: Pod;
      try {
        pod = await client.create(PODS, wanted, { fieldManager: FIELD_MANAGER });
      } catch (error) {
        const problem = refusalOf(error);
        if (!problem) throw error;
        const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** refusal.count);
        refusal.last = { problem, retryAtMs: clock() + delayMs };
        refusal.count += 1;
        tell(owner, "Warning", problem.reason, problem.message);
        return;
      }
      made.add(pod);
      refusal.last = undefined;
      refusal.count = 0;
      tell(owner, "Normal", "PodCreated", `Created pod ${pod.metadata.name ?? ""}.`);
      await ensureIdentity(pod);
    },
  };
}

function refusalOf(error: unknown): Problem | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (![400, 403, 404, 422].includes(error.status)) return undefined;
  return { reason: error.reason.replace(/[^A-Za-z0-9]/g, "") || "Refused", message: error.message };
}

/** A name for the Secret of a pod, whose own name is not known yet. */
export function identityName(owner: string): string {
  return `${owner.slice(0, LONGEST_STEM)}-${randomBytes(SUFFIX_BYTES).toString("hex")}`;
}
