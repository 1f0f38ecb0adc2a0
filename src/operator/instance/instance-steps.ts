import { FarmError } from "../../core/error/farm-error.ts";
import type { InstanceStep } from "../../core/policy/instance-plan.ts";
import { applyOwned } from "../../kube/apply-owned.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { FirmwareResolver } from "../firmware/firmware-resolver.ts";
import { type AgentImage, agentPod, resourcesOf } from "../kubernetes/agent-pod.ts";
import { ensureClaim } from "../kubernetes/instance-claim.ts";
import { channelPorts } from "../kubernetes/instance-ports.ts";
import { FIELD_MANAGER, INSTANCES, type Pod, SERVICES } from "../kubernetes/kinds.ts";
import { BOARD_ANNOTATION, INSTANCE_LABEL, INSTANCE_UID_LABEL, TEMPLATE_ANNOTATION } from "../kubernetes/labels.ts";
import { identityName, type PodMaker } from "../kubernetes/pod-maker.ts";
import type { InstanceMemory } from "./instance-memory.ts";
import { type InstanceView, templateKeyOf } from "./instance-view.ts";
import { deleteLeftover } from "./leftovers.ts";

export interface InstanceStepsDependencies {
  readonly client: KubeClient;
  readonly pods: PodMaker;
  readonly firmware: FirmwareResolver;
  readonly agent: AgentImage;
  /** Of this leader's term. */
  readonly epoch: number;
  readonly clock: () => number;
}

/** Carries out one step of a plan. What cannot be helped by trying again at once is remembered, not thrown. */
export type TakeStep = (
  step: InstanceStep,
  view: InstanceView,
  memory: InstanceMemory,
  signal: AbortSignal,
) => Promise<void>;

const FOREIGN_RETRY_MS = 15_000;

export function createInstanceSteps(dependencies: InstanceStepsDependencies): TakeStep {
  const { client, pods, firmware, epoch, clock } = dependencies;

  async function createPod(view: InstanceView, memory: InstanceMemory): Promise<void> {
    const pod = podOf(view, dependencies.agent);
    if (!pod) return;
    const problem = await ensureClaim(client, view.object, view.spec.storage);
    if (problem) pods.refuse(view.object, problem, memory.tries);
    else await pods.create(view.object, pod, memory.tries);
  }

  async function applyService(view: InstanceView, memory: InstanceMemory): Promise<void> {
    const { wantedService, uid } = view;
    if (!wantedService) return;
    const outcome = await applyOwned({
      client,
      resource: SERVICES,
      object: wantedService,
      ownerUid: uid,
      fieldManager: FIELD_MANAGER,
      isKnown: view.seen.service.state === "different" && !view.seen.service.mustBeReplaced,
    });
    const isForeign = outcome.kind === "foreign";
    memory.foreignService = isForeign ? { object: outcome.object, retryAtMs: clock() + FOREIGN_RETRY_MS } : undefined;
  }

  async function putDesired(
    { desired, watch, uid }: InstanceView,
    memory: InstanceMemory,
    signal: AbortSignal,
  ): Promise<void> {
    if (!desired || !watch) return;
    const agent = watch.observe(uid);
    const known = agent.state === "connected" ? agent.instance : undefined;
    const revision = known?.generation === desired.generation ? known.revision + 1 : 0;
    try {
      await watch.putDesired({ ...desired, revision, epoch }, signal);
      memory.refusedByAgent = undefined;
    } catch (error) {
      // What is broken off is nobody's refusal.
      signal.throwIfAborted();
      const { code, message } = FarmError.from(error);
      // A stream that breaks is seen by the watch.
      if (code === "AgentLost") return;
      memory.refusedByAgent = { reason: code, message };
      throw error;
    }
  }

  return async (step, view, memory, signal) => {
    const { object } = view;
    const { namespace } = object.metadata;
    switch (step.type) {
      case "createPod":
        return createPod(view, memory);
      case "deletePod":
        return pods.remove(object, step);
      case "applyService":
        return applyService(view, memory);
      case "deleteService":
        await client.delete(SERVICES, object.metadata.name ?? "", namespace, { uid: step.uid });
        return;
      case "deleteLeftover":
        return deleteLeftover(client, step.leftover, object.metadata);
      case "resolveFirmware":
        if (view.wish) firmware.resolve(view.wish);
        return;
      case "putDesired":
        return putDesired(view, memory, signal);
      case "deleteInstance":
        await client.delete(INSTANCES, object.metadata.name ?? "", namespace, { uid: view.uid });
        return;
    }
  };
}

function podOf({ object, uid, owner, spec, board }: InstanceView, agent: AgentImage): Pod | undefined {
  if (!board) return undefined;
  const { name = "", namespace = "" } = object.metadata;
  const service = [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
  return agentPod({
    agent,
    owner,
    name,
    namespace,
    labels: { [INSTANCE_LABEL]: name, [INSTANCE_UID_LABEL]: uid },
    annotations: { [TEMPLATE_ANNOTATION]: templateKeyOf(spec), [BOARD_ANNOTATION]: JSON.stringify(board) },
    template: spec.podTemplate,
    slots: 1,
    hosts: service,
    resources: resourcesOf(board.spec),
    ports: channelPorts(board.spec, spec.channels),
    storage: spec.storage,
    emulators: [board.spec.emulator.binary],
    identity: identityName(name),
  });
}
