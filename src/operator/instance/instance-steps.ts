import { randomBytes } from "node:crypto";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Problem } from "../../core/policy/instance-observation.ts";
import type { InstanceStep } from "../../core/policy/instance-plan.ts";
import { applyOwned } from "../../kube/apply-owned.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { KubeError } from "../../kube/kube-error.ts";
import type { FirmwareResolver } from "../firmware/firmware-resolver.ts";
import { type AgentImage, agentPod, resourcesOf } from "../kubernetes/agent-pod.ts";
import type { MadeObjects } from "../kubernetes/farm-caches.ts";
import { channelPorts } from "../kubernetes/instance-ports.ts";
import { FIELD_MANAGER, INSTANCES, PODS, type Pod, SERVICES } from "../kubernetes/kinds.ts";
import { BOARD_ANNOTATION, INSTANCE_LABEL, INSTANCE_UID_LABEL, TEMPLATE_ANNOTATION } from "../kubernetes/labels.ts";
import type { AgentTrust } from "../trust/agent-trust.ts";
import type { TellEvent } from "./instance-events.ts";
import type { InstanceMemory } from "./instance-memory.ts";
import { type InstanceView, templateKeyOf } from "./instance-view.ts";

export interface InstanceStepsDependencies {
  readonly client: KubeClient;
  readonly trust: AgentTrust;
  readonly madePods: MadeObjects<Pod>;
  readonly firmware: FirmwareResolver;
  readonly agent: AgentImage;
  /** Of this leader's term. */
  readonly epoch: number;
  readonly tell: TellEvent;
  readonly clock: () => number;
}

/** Carries out one step of a plan. What cannot be helped by trying again at once is remembered, not thrown. */
export type TakeStep = (step: InstanceStep, view: InstanceView, memory: InstanceMemory) => Promise<void>;

const FIRST_REFUSAL_MS = 1_000;
const LONGEST_REFUSAL_MS = 60_000;
const FOREIGN_RETRY_MS = 15_000;
const SUFFIX_BYTES = 6;
/** Room for a dash and a random part in a name of 63 characters. */
const LONGEST_STEM = 45;

export function createInstanceSteps(dependencies: InstanceStepsDependencies): TakeStep {
  const { client, trust, madePods, firmware, epoch, tell, clock } = dependencies;

  async function createPod(view: InstanceView, memory: InstanceMemory): Promise<void> {
    const wanted = podOf(view, dependencies.agent);
    if (!wanted) return;
    try {
      const pod = await client.create(PODS, wanted, { fieldManager: FIELD_MANAGER });
      madePods.add(pod);
      memory.refusal = undefined;
      memory.refusals = 0;
      tell(view.object, "Normal", "PodCreated", `Created pod ${pod.metadata.name ?? ""}.`);
      await trust.issueIdentity(pod);
      memory.identities.add(pod.metadata.uid ?? "");
    } catch (error) {
      const problem = refusalOf(error);
      if (!problem) throw error;
      const delayMs = Math.min(LONGEST_REFUSAL_MS, FIRST_REFUSAL_MS * 2 ** memory.refusals);
      memory.refusal = { problem, retryAtMs: clock() + delayMs };
      memory.refusals += 1;
      tell(view.object, "Warning", problem.reason, problem.message);
    }
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

  async function putDesired({ desired, watch, uid }: InstanceView, memory: InstanceMemory): Promise<void> {
    if (!desired || !watch) return;
    const agent = watch.observe(uid);
    const known = agent.state === "connected" ? agent.instance : undefined;
    const revision = known?.generation === desired.generation ? known.revision + 1 : 0;
    try {
      watch.learn(await watch.client.putDesired({ ...desired, revision, epoch }));
      memory.refusedByAgent = undefined;
    } catch (error) {
      const { code, message } = FarmError.from(error);
      // A stream that breaks is seen by the watch.
      if (code === "AgentLost") return;
      memory.refusedByAgent = { reason: code, message };
      throw error;
    }
  }

  return async (step, view, memory) => {
    const { object } = view;
    const { namespace } = object.metadata;
    switch (step.type) {
      case "createPod":
        return createPod(view, memory);
      case "deletePod": {
        const options = step.isForced ? { uid: step.uid, gracePeriodSeconds: 0 } : { uid: step.uid };
        if (!(await client.delete(PODS, step.name, namespace, options))) return;
        tell(
          object,
          step.reason === "NodeLost" ? "Warning" : "Normal",
          "PodDeleted",
          `Deleted pod ${step.name}: ${step.reason}.`,
        );
        return;
      }
      case "applyService":
        return applyService(view, memory);
      case "deleteService":
        await client.delete(SERVICES, object.metadata.name ?? "", namespace, { uid: step.uid });
        return;
      case "resolveFirmware":
        if (view.wish) firmware.resolve(view.wish);
        return;
      case "putDesired":
        return putDesired(view, memory);
      case "deleteInstance":
        await client.delete(INSTANCES, object.metadata.name ?? "", namespace, { uid: view.uid });
        return;
    }
  };
}

/** What the API server does not let in stays out for a while: told, and tried again later. */
function refusalOf(error: unknown): Problem | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (![400, 403, 404, 422].includes(error.status)) return undefined;
  return { reason: error.reason.replace(/[^A-Za-z0-9]/g, "") || "Refused", message: error.message };
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
    identity: `${name.slice(0, LONGEST_STEM)}-${randomBytes(SUFFIX_BYTES).toString("hex")}`,
  });
}
