import type { z } from "zod";
import { boardSpec, NAMESPACED_BOARD_RULES } from "../schema/board.ts";
import { boardObjectStatus } from "../schema/board-object-status.ts";
import { emulatorInstance, emulatorInstanceSpec } from "../schema/emulator-instance.ts";
import { emulatorInstanceStatus } from "../schema/emulator-instance-status.ts";
import { emulatorPool, emulatorPoolSpec, emulatorPoolStatus } from "../schema/emulator-pool.ts";
import { withRules } from "../schema/hint.ts";
import { API_VERSION } from "../schema/metadata.ts";

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description: string;
  /** True for `-o wide` only. */
  readonly isWide?: boolean;
}

/** One of the farm's kinds, as the API server of Kubernetes gets to know it. */
export interface CustomResource {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly isNamespaced: boolean;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  /** Fields by which people may select. */
  readonly selectableFields?: readonly string[];
  /** Whether the operator writes its status. Until it has, tools that wait take the object for one in progress. */
  readonly isReconciled?: boolean;
  /** Whether `kubectl scale` and autoscalers may set spec.replicas. */
  readonly isScalable?: boolean;
}

const conditionPath = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`;
const READY: PrinterColumn = {
  name: "Ready",
  type: "string",
  jsonPath: conditionPath("Ready", "status"),
  description: "Whether what the spec asks for is so.",
};
const REASON: PrinterColumn = {
  name: "Reason",
  type: "string",
  jsonPath: conditionPath("Ready", "reason"),
  description: "Why it is ready or not.",
  isWide: true,
};
const AGE: PrinterColumn = {
  name: "Age",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since its creation.",
};

const text = (name: string, jsonPath: string, description: string, isWide = false): PrinterColumn => {
  return { name, type: "string", jsonPath, description, isWide };
};
const number = (name: string, jsonPath: string, description: string, isWide = false): PrinterColumn => {
  return { name, type: "integer", jsonPath, description, isWide };
};

const boardColumns = [
  text("Title", ".spec.title", "Name of the board for people."),
  text("Architecture", ".spec.architecture", "Instruction set of its CPU."),
  READY,
  AGE,
  text("Emulator", ".spec.emulator.binary", "Program that emulates it.", true),
  text("Least Version", ".spec.emulator.minVersion", "Least version of that program.", true),
  text("Machine", ".spec.emulator.machine", "Machine type of that program.", true),
  REASON,
];

export const BOARD = {
  apiVersion: API_VERSION,
  kind: "Board",
  plural: "boards",
  shortName: "brd",
  isNamespaced: true,
  description: "How one kind of board is emulated, for the instances and jobs of one namespace. Data, never code.",
  spec: withRules(boardSpec, ...NAMESPACED_BOARD_RULES),
  status: boardObjectStatus,
  columns: boardColumns,
} as const satisfies CustomResource;

export const CLUSTER_BOARD = {
  apiVersion: API_VERSION,
  kind: "ClusterBoard",
  plural: "clusterboards",
  shortName: "cbrd",
  isNamespaced: false,
  description:
    "How one kind of board is emulated, for all namespaces. Data, never code: adding a board is one manifest.",
  spec: boardSpec,
  status: boardObjectStatus,
  columns: boardColumns,
} as const satisfies CustomResource;

export const EMULATOR_INSTANCE = {
  apiVersion: API_VERSION,
  kind: "EmulatorInstance",
  plural: "emulatorinstances",
  shortName: "emu",
  isNamespaced: true,
  description: emulatorInstance.description ?? "",
  spec: emulatorInstanceSpec,
  status: emulatorInstanceStatus,
  columns: [
    text("Board", ".spec.board", "Board that it emulates."),
    text("Phase", ".status.phase", "State in one word."),
    READY,
    text("Address", ".status.address", "Name of its Service in the cluster's DNS."),
    AGE,
    REASON,
    number("Restarts", ".status.restarts", "How often the guest was started again.", true),
    text("Last Exit", ".status.lastExit.reason", "How the guest last ended.", true),
    text("Emulator", ".status.emulator.version", "Version of the emulator.", true),
    text("Accelerator", ".status.emulator.accelerator", "Accelerator in use: tcg or kvm.", true),
    text("Storage", ".status.storage", "Whether flash and cards are lost with the pod.", true),
    text("Pod", ".status.podName", "Pod that it lives in.", true),
    text("Node", ".status.nodeName", "Node of that pod.", true),
  ],
  selectableFields: [".spec.board"],
  isReconciled: true,
} as const satisfies CustomResource;

export const EMULATOR_POOL = {
  apiVersion: API_VERSION,
  kind: "EmulatorPool",
  plural: "emulatorpools",
  shortName: "emupool",
  isNamespaced: true,
  description: emulatorPool.description ?? "",
  spec: emulatorPoolSpec,
  status: emulatorPoolStatus,
  columns: [
    number("Desired", ".spec.replicas", "Agents that are asked for."),
    number("Agents", ".status.replicas", "Agents that there are."),
    number("Serving", ".status.ready", "Agents that serve."),
    number("Slots", ".status.slots", "Slots of the agents that serve."),
    number("Allocated", ".status.allocated", "Slots in use."),
    number("Available", ".status.available", "Free slots."),
    READY,
    AGE,
    REASON,
    number("Least", ".spec.minReplicas", "Fewest agents when scaled by the queue.", true),
    number("Most", ".spec.maxReplicas", "Most agents when scaled by the queue.", true),
    number("Updated", ".status.updated", "Agents made for the present spec.", true),
    number("Draining", ".status.draining", "Agents that finish their work and then go.", true),
  ],
  isReconciled: true,
  isScalable: true,
} as const satisfies CustomResource;

/** The farm's kinds. */
export const CUSTOM_RESOURCES: readonly CustomResource[] = [BOARD, CLUSTER_BOARD, EMULATOR_INSTANCE, EMULATOR_POOL];
