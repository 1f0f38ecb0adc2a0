import { createHash, randomBytes } from "node:crypto";
import type { Problem } from "../../core/policy/instance-observation.ts";
import type { DeletePodStep } from "../../core/policy/pod-plan.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isAlreadyExists } from "../../kube/kube-error.ts";
import { isControlledBy, keyOf } from "../../kube/kube-object.ts";
import type { TellEvent } from "../tell-event.ts";
import type { AgentTrust } from "../trust/agent-trust.ts";
import type { MadeObjects } from "./farm-caches.ts";
import { type FarmObject, FIELD_MANAGER, PODS, type Pod } from "./kinds.ts";
import { refusalOf } from "./pod-refusal.ts";

/** What became of the pods that were to be made for an owner. */
export interface PodTries {
  /** Why the last one could not be made, and when to try again. */
  refusal?: { readonly problem: Problem; readonly retryAtMs: number } | undefined;
  /** In a row. */
  refusals: number;
  /** By this leader: the next one's number. */
  made: number;
}

export const noTries = (): PodTries => ({ refusals: 0, made: 0 });

export interface PodMakerDependencies {
  readonly client: KubeClient;
  readonly trust: AgentTrust;
  readonly made: MadeObjects<Pod>;
  /** Of the leader's term. */
  readonly epoch: number;
  readonly tell: TellEvent;
  readonly clock: () => number;
}

/** Makes pods, each with its identity, and takes them away. */
export interface PodMaker {
  /**
   * Gives the pod its name: the same one until it is known to be there, so that a request whose answer was lost makes
   * no second one. What the API server does not let in is remembered, not thrown: it stays out for a while.
   */
  create(owner: FarmObject, pod: Pod, tries: PodTries): Promise<void>;
  /** Remembers that no pod can be made, and tells. */
  refuse(owner: FarmObject, problem: Problem, tries: PodTries): void;
  /**
   * Asks for pods of the owner that were made a while ago and that no cache has shown since.
   * @returns how long until the next one has to be asked for
   */
  confirm(ownerUid: string): Promise<number | undefined>;
  /** A pod that has gone already is no failure. */
  remove(owner: FarmObject, step: DeletePodStep): Promise<void>;
  /** For a pod whose Secret an operator before this one may not have made. */
  ensureIdentity(pod: Pod): Promise<void>;
}

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
const SUFFIX_BYTES = 6;
const POD_SUFFIX_LENGTH = 8;
/** Room for a dash and a random part in a name of 63 characters. */
const LONGEST_STEM = 45;
/** Caches are rarely so far behind. */
const UNSEEN_MS = 5_000;
/** Identities that are remembered as made: more than there are pods. */
const MAX_REMEMBERED = 100_000;

export function createPodMaker({ client, trust, made, epoch, tell, clock }: PodMakerDependencies): PodMaker {
  const identities = new Set<string>();

  async function ensureIdentity(pod: Pod): Promise<void> {
    const { uid = "" } = pod.metadata;
    // One that runs has mounted it. A new leader finds thousands of them.
    if (pod.status?.phase === "Running" || identities.has(uid)) return;
    await trust.publishIn(pod.metadata.namespace ?? "");
    await trust.issueIdentity(pod);
    if (identities.size >= MAX_REMEMBERED) identities.clear();
    identities.add(uid);
  }

  /** The pod, or why there is none. */
  async function createOrFind(owner: FarmObject, pod: Pod): Promise<Pod | Problem> {
    const { name = "", namespace = "" } = pod.metadata;
    try {
      await trust.publishIn(namespace);
      return await client.create(PODS, pod, { fieldManager: FIELD_MANAGER });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal) return refusal;
      if (!isAlreadyExists(error)) throw error;
      const present = await client.get(PODS, name, namespace);
      if (!present) throw error;
      if (!isControlledBy(present, owner.metadata.uid ?? "")) return taken(name);
      return present.metadata.deletionTimestamp === undefined ? present : terminating(name);
    }
  }

  function refuse(owner: FarmObject, problem: Problem, tries: PodTries): void {
    // What is on its way out goes without a word to us.
    const isSoon = problem.reason.endsWith("Terminating");
    const delayMs = isSoon ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries.refusals);
    // Another name is free.
    if (problem.reason === NAME_TAKEN) tries.made += 1;
    tries.refusal = { problem, retryAtMs: clock() + delayMs };
    tries.refusals += 1;
    tell(owner, "Warning", problem.reason, problem.message);
  }

  return {
    ensureIdentity,
    refuse,
    async create(owner, { metadata, ...wanted }, tries) {
      const name = podName(owner, epoch, tries.made);
      const pod = await createOrFind(owner, { ...wanted, metadata: { ...metadata, name } });
      if ("reason" in pod) return refuse(owner, pod, tries);
      tries.made += 1;
      tries.refusal = undefined;
      tries.refusals = 0;
      made.add(pod, clock());
      tell(owner, "Normal", "PodCreated", `Created pod ${name}.`);
      await ensureIdentity(pod);
    },
    async remove(owner, { name, uid, isForced, reason }) {
      const options = isForced ? { uid, gracePeriodSeconds: 0 } : { uid };
      if (!(await client.delete(PODS, name, owner.metadata.namespace, options))) return;
      tell(owner, reason === "NodeLost" ? "Warning" : "Normal", "PodDeleted", `Deleted pod ${name}: ${reason}.`);
    },
    async confirm(ownerUid) {
      const unseen = made.unseen((pod) => isControlledBy(pod, ownerUid));
      let hasGone = false;
      for (const { object, sinceMs } of unseen) {
        if (clock() - sinceMs < UNSEEN_MS) continue;
        const { name = "", namespace, uid } = object.metadata;
        const present = await client.get(PODS, name, namespace);
        if (present && present.metadata.uid === uid) {
          made.add(present, clock());
          continue;
        }
        made.seen(keyOf(object));
        hasGone = true;
      }
      // What is planned without it is planned at once.
      if (hasGone) return 0;
      const rest = made.unseen((pod) => isControlledBy(pod, ownerUid)).map(({ sinceMs }) => sinceMs);
      return rest.length === 0 ? undefined : Math.max(0, Math.min(...rest) + UNSEEN_MS - clock());
    },
  };
}

const NAME_TAKEN = "PodNameTaken";

function taken(name: string): Problem {
  return { reason: NAME_TAKEN, message: `Pod ${name} is there already and belongs to somebody else.` };
}

function terminating(name: string): Problem {
  return { reason: "PodTerminating", message: `Pod ${name} has to end first.` };
}

/** Of this leader's n-th pod for the owner. */
function podName({ metadata: { name = "", uid = "" } }: FarmObject, epoch: number, number: number): string {
  const digest = createHash("sha256").update(`${uid} ${epoch} ${number}`).digest("hex");
  return `${name.slice(0, LONGEST_STEM)}-${digest.slice(0, POD_SUFFIX_LENGTH)}`;
}

/** A name for the Secret of a pod, whose own name is not known yet. */
export function identityName(owner: string): string {
  return `${owner.slice(0, LONGEST_STEM)}-${randomBytes(SUFFIX_BYTES).toString("hex")}`;
}
