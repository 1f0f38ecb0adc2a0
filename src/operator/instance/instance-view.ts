import { contentDigest } from "../../client/content-digest.ts";
import { desiredSettings } from "../../core/policy/desired-settings.ts";
import type { InstanceFacts } from "../../core/policy/instance-object-status.ts";
import type {
  InstanceObservation,
  ObservedBoard,
  ObservedService,
  Problem,
} from "../../core/policy/instance-observation.ts";
import { livePodOf } from "../../core/policy/instance-observation.ts";
import { lastUseOf } from "../../core/policy/last-use.ts";
import { rawChannelNames } from "../../core/policy/raw-channels.ts";
import type { EmulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import type { EmulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import type { DesiredStateInput } from "../../core/wire/desired-state.ts";
import type { OwnerReference } from "../../kube/kube-object.ts";
import type { AgentWatch } from "../agent/agent-watch.ts";
import type { AgentWatches } from "../agent/agent-watches.ts";
import { type FoundBoard, findBoard } from "../board/board-lookup.ts";
import type { FirmwareResolver, FirmwareWish, ResolvedFirmware } from "../firmware/firmware-resolver.ts";
import { BY_INSTANCE, BY_INSTANCE_NAME, type FarmCaches, type MadeObjects } from "../kubernetes/farm-caches.ts";
import { channelPorts, servicePorts } from "../kubernetes/instance-ports.ts";
import { instanceService, observeService } from "../kubernetes/instance-service.ts";
import type { FarmObject, Pod, Service } from "../kubernetes/kinds.ts";
import { BOARD_ANNOTATION, INSTANCE_UID_LABEL } from "../kubernetes/labels.ts";
import { statusOfInstance } from "../kubernetes/parsed-objects.ts";
import { observePod } from "../kubernetes/pod-observation.ts";
import type { InstanceMemory } from "./instance-memory.ts";
import { leftoverOf, leftoversAmong } from "./leftovers.ts";

/** Where the operator looks. */
export interface InstanceWorld {
  readonly caches: FarmCaches;
  readonly madePods: MadeObjects<Pod>;
  readonly agents: AgentWatches;
  readonly firmware: FirmwareResolver;
  readonly agentImage: string;
  /** Looks at the instance again. */
  readonly wake: (key: string) => void;
}

/** An instance with all that is known of it, for plan, status and steps. */
export interface InstanceView {
  readonly object: FarmObject;
  readonly key: string;
  readonly uid: string;
  readonly owner: OwnerReference;
  readonly spec: EmulatorInstanceSpec;
  readonly before: EmulatorInstanceStatus | undefined;
  readonly seen: InstanceObservation;
  readonly facts: InstanceFacts;
  /** The board as a new pod would get it. */
  readonly board: FoundBoard | undefined;
  readonly livePod: Pod | undefined;
  readonly watch: AgentWatch | undefined;
  readonly wish: FirmwareWish | undefined;
  readonly wantedService: Service | undefined;
  /** What the agent shall be told; epoch and revision are added when it is. */
  readonly desired: Omit<DesiredStateInput, "epoch"> | undefined;
}

/** Looks at everything that an instance depends on. */
export function viewInstance(
  world: InstanceWorld,
  key: string,
  object: FarmObject,
  spec: EmulatorInstanceSpec,
  memory: InstanceMemory,
): InstanceView {
  const { caches, madePods } = world;
  const { uid = "", name = "", namespace = "", generation = 0, creationTimestamp } = object.metadata;
  const owner = ownerOf(object);
  const shown = caches.pods.byIndex(BY_INSTANCE, uid);
  const pods = madePods.with(shown, ({ metadata }) => metadata.labels?.[INSTANCE_UID_LABEL] === uid);
  const observedPods = pods.map(observePod);
  const live = livePodOf({ pods: observedPods });
  const livePod = pods.find(({ metadata }) => metadata.uid === live?.uid);
  const found = findBoard(caches, namespace, spec.board);
  const board = "board" in found ? found.board : undefined;
  const running = (livePod && boardOfPod(livePod)) ?? board;
  const ports = running ? servicePorts(running.spec, spec.channels) : [];
  const { expose } = spec;
  const wantedService =
    expose === "None" || !running ? undefined : instanceService({ name, namespace, uid, owner, expose, ports });
  const service = caches.services.get(key) ?? memory.foreignService?.object;
  const before = statusOfInstance(object);
  const wish = running && wishOf(object, key, spec, running, before);
  const { seen: firmware, resolved } = wish
    ? world.firmware.observe(wish)
    : { seen: { state: "unknown" as const, isFirst: true }, resolved: undefined };
  const watch = livePod && world.agents.open(livePod, () => world.wake(key));
  const desired = running && firmwareIsKnown(firmware.state) ? desiredOf(object, spec, running, resolved) : undefined;
  const agent = watch?.observe(uid);
  const seen: InstanceObservation = {
    name,
    namespace,
    generation,
    createdMs: creationTimestamp === undefined ? 0 : Date.parse(creationTimestamp),
    isDeleted: object.metadata.deletionTimestamp !== undefined,
    spec,
    board: board ? observeBoard(board, livePod, world.agentImage) : { state: "refused", problem: problemOf(found) },
    unsupported: running && unsupportedBy(running, spec),
    templateKey: templateKeyOf(spec),
    pods: observedPods,
    refusal: memory.tries.refusal,
    service: seenService(service, wantedService, object, spec),
    leftovers: leftoversAmong([...caches.pods.byIndex(BY_INSTANCE_NAME, key), ...(service ? [service] : [])], object),
    firmware,
    desiredDigest: desired?.digest,
    agent,
    lastUsed: lastUseOf(agent, before, spec.ttl),
    refusedByAgent: memory.refusedByAgent,
  };
  const facts: InstanceFacts = {
    ports,
    ...(running && { board: boardFacts(running) }),
    ...(resolved && { firmware: firmwareFacts(resolved) }),
    ...(!resolved && before?.firmware && { firmware: before.firmware }),
  };
  return { object, key, uid, owner, spec, before, seen, facts, board, livePod, watch, wish, wantedService, desired };
}

function seenService(
  found: Service | undefined,
  wanted: Service | undefined,
  object: FarmObject,
  { expose }: EmulatorInstanceSpec,
): ObservedService {
  if (found && leftoverOf(found, object)) return { state: "leftover" };
  // Its ports are the board's: without a board there is nothing to do about it.
  if (!wanted && expose !== "None") return { state: "terminating" };
  return observeService(found, wanted, object.metadata.uid ?? "");
}

function firmwareIsKnown(state: InstanceObservation["firmware"]["state"]): boolean {
  return state === "none" || state === "resolved";
}

function problemOf(found: ReturnType<typeof findBoard>) {
  return "problem" in found ? found.problem : { reason: "BoardNotFound", message: "There is no such board." };
}

function ownerOf({ apiVersion, kind, metadata }: FarmObject): OwnerReference {
  const { name = "", uid = "" } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The board as it was when the pod was made: a later change of the board waits for another pod. */
export function boardOfPod({ metadata }: Pod): FoundBoard | undefined {
  const text = metadata.annotations?.[BOARD_ANNOTATION];
  return text === undefined ? undefined : (JSON.parse(text) as FoundBoard);
}

/** What of the spec needs another pod. */
export function templateKeyOf({ board, podTemplate, storage }: EmulatorInstanceSpec): string {
  return contentDigest([board, podTemplate, storage]);
}

function observeBoard(board: FoundBoard, pod: Pod | undefined, agentImage: string): ObservedBoard {
  const made = pod && boardOfPod(pod);
  if (!pod || !made) return { state: "found", isOutdated: false };
  const isOther = contentDigest(made.spec) !== contentDigest(board.spec);
  const [container] = (pod.spec?.containers as { image?: string }[] | undefined) ?? [];
  return { state: "found", isOutdated: isOther || container?.image !== agentImage };
}

function wishOf(
  { metadata: { uid = "", namespace = "", generation } }: FarmObject,
  key: string,
  { firmware: source }: EmulatorInstanceSpec,
  { name, spec }: FoundBoard,
  before: EmulatorInstanceStatus | undefined,
): FirmwareWish {
  // A URL or a tag may lead elsewhere by now: what it led to for this very spec stays.
  const isKnown = (source?.url ?? source?.image) !== undefined && before?.observedGeneration === generation;
  return {
    uid,
    key,
    namespace,
    source,
    board: { name, spec },
    knownSha256: isKnown ? before?.firmware?.sha256 : undefined,
  };
}

function desiredOf(
  { metadata: { uid = "", namespace = "", generation = 0 } }: FarmObject,
  spec: EmulatorInstanceSpec,
  board: FoundBoard,
  firmware: ResolvedFirmware | undefined,
): Omit<DesiredStateInput, "epoch"> {
  const ports = new Map(channelPorts(board.spec, spec.channels).map(({ name, port }) => [name, port]));
  const wish = {
    uid,
    tenant: namespace,
    boardName: board.name,
    board: board.spec,
    ...(firmware && { firmware: firmware.reference }),
    ...desiredSettings(spec),
    // Left out where it is the default: an agent of an older image does not know it.
    ...(spec.consoleLog !== "None" && { consoleLog: spec.consoleLog }),
    channels: spec.channels.map((channel) => {
      const port = ports.get(channel.name);
      return { ...channel, ...(port !== undefined && { port }) };
    }),
  };
  return { ...wish, generation, digest: contentDigest(wish), urls: firmware?.urls ?? {} };
}

/** What the spec asks for that the board does not have. */
function unsupportedBy({ name, spec }: FoundBoard, { channels }: EmulatorInstanceSpec): Problem | undefined {
  const names = rawChannelNames(spec);
  const unknown = channels.find((channel) => !names.includes(channel.name));
  if (!unknown) return undefined;
  const words = names.join(", ");
  return { reason: "ChannelUnknown", message: `Board ${name} has no channel ${unknown.name}; it has ${words}.` };
}

function boardFacts({ kind, name, uid, generation }: FoundBoard): InstanceFacts["board"] {
  return { kind, name, uid, generation };
}

function firmwareFacts({ reference, sizeBytes, format }: ResolvedFirmware): InstanceFacts["firmware"] {
  return { sha256: reference.sha256, sizeBytes, ...(format && { format }) };
}
