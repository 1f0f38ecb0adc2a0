import { removal } from "../../core/policy/pod-plan.ts";
import type { PoolStep } from "../../core/policy/pool-plan.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { isNotFound } from "../../kube/kube-error.ts";
import { type AgentImage, agentPod } from "../kubernetes/agent-pod.ts";
import { PODS, type Pod } from "../kubernetes/kinds.ts";
import { CORDONED_ANNOTATION, POOL_LABEL, POOL_UID_LABEL, TEMPLATE_ANNOTATION } from "../kubernetes/labels.ts";
import { identityName, type PodMaker, type PodTries } from "../kubernetes/pod-maker.ts";
import type { TellEvent } from "../tell-event.ts";
import { applyBudget } from "./pool-budget.ts";
import { type ScalingMemory, scalePool } from "./pool-scaling.ts";
import type { PoolView } from "./pool-view.ts";

export interface PoolStepsDependencies {
  readonly client: KubeClient;
  readonly pods: PodMaker;
  readonly agent: AgentImage;
  readonly tell: TellEvent;
  readonly clock: () => number;
}

/** What the operator remembers of a pool between two looks. */
export interface PoolMemory {
  readonly tries: PodTries;
  readonly scaling: ScalingMemory;
  /** Somebody else's budget has the pool's name. */
  hasForeignBudget?: boolean;
  /** When the cordon of a pod was renewed last, by the pod's uid. */
  readonly cordons: Map<string, number>;
}

export type TakePoolStep = (step: PoolStep, view: PoolView, memory: PoolMemory, signal: AbortSignal) => Promise<void>;

/** An agent takes work again when nobody has renewed its cordon for so long. */
const CORDON_MS = 60_000;
const RENEW_CORDON_MS = 20_000;

export function createPoolSteps({ client, pods, agent, tell, clock }: PoolStepsDependencies): TakePoolStep {
  async function mark(view: PoolView, podName: string, podUid: string, at: string | null): Promise<void> {
    const { namespace } = view.object.metadata;
    const metadata = { uid: podUid, annotations: { [CORDONED_ANNOTATION]: at } };
    await client.patch(PODS, podName, namespace, { metadata });
  }

  /** Asked again and again, but told only now and then: a cordon lasts. */
  async function keepCordoned(
    view: PoolView,
    podUid: string,
    { cordons }: PoolMemory,
    signal: AbortSignal,
  ): Promise<boolean> {
    const watch = view.pods.get(podUid)?.watch;
    if (!watch?.isConnected) return false;
    const renewedMs = cordons.get(podUid);
    if (renewedMs !== undefined && clock() - renewedMs < RENEW_CORDON_MS) return true;
    await watch.client.cordon(CORDON_MS, signal);
    cordons.set(podUid, clock());
    return true;
  }

  /** Results that nobody has fetched are work, too. */
  async function drain(
    view: PoolView,
    { name, uid }: { readonly name: string; readonly uid: string },
    memory: PoolMemory,
    signal: AbortSignal,
  ): Promise<void> {
    const watch = view.pods.get(uid)?.watch;
    if (!watch || !(await keepCordoned(view, uid, memory, signal))) return;
    const [attempts, instances] = await Promise.all([watch.client.attempts(signal), watch.client.instances(signal)]);
    if (attempts.length > 0 || instances.length > 0) return;
    await pods.remove(view.object, removal({ name, uid }, "Drained"));
    memory.cordons.delete(uid);
  }

  return async (step, view, memory, signal) => {
    switch (step.type) {
      case "createPods":
        for (let made = 0; made < step.count && !isRefused(memory, clock()); made++) {
          await pods.create(view.object, podOf(view, agent), memory.tries);
        }
        return;
      case "scale":
        return scalePool(client, view.object, step.replicas, memory.scaling, clock());
      case "createBudget":
        if (await applyBudget(client, view.object)) return;
        memory.hasForeignBudget = true;
        tell(view.object, "Warning", "BudgetNameTaken", "A PodDisruptionBudget of the pool's name is somebody else's.");
        return;
      case "deletePod":
        return pods.remove(view.object, step);
      case "cordon":
        await mark(view, step.name, step.uid, new Date(clock()).toISOString());
        await keepCordoned(view, step.uid, memory, signal);
        return;
      case "uncordon":
        await mark(view, step.name, step.uid, null);
        memory.cordons.delete(step.uid);
        await view.pods.get(step.uid)?.watch?.client.cordon(0, signal);
        return;
      case "drain":
        try {
          return await drain(view, step, memory, signal);
        } catch (error) {
          // Somebody else has deleted it.
          if (!isNotFound(error)) throw error;
        }
    }
  };
}

function isRefused({ tries: { refusal } }: PoolMemory, nowMs: number): boolean {
  return refusal !== undefined && refusal.retryAtMs > nowMs;
}

function podOf({ object, spec, templateKey, resources }: PoolView, agent: AgentImage): Pod {
  const { apiVersion, kind, metadata } = object;
  const { name = "", namespace = "", uid = "" } = metadata;
  return agentPod({
    agent,
    owner: { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true },
    name,
    namespace,
    labels: { [POOL_LABEL]: name, [POOL_UID_LABEL]: uid },
    annotations: { [TEMPLATE_ANNOTATION]: templateKey },
    template: spec.podTemplate,
    slots: spec.slotsPerPod,
    hosts: [],
    resources,
    ports: [],
    identity: identityName(name),
  });
}
