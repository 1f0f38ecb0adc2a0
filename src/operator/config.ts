import { isAbsolute } from "node:path";
import { z } from "zod";
import { parseSettings } from "../core/schema/parse-settings.ts";
import { listenAddress } from "../http/listen-address.ts";
import { LOG_LEVELS } from "../log/log.ts";

const list = z
  .string()
  .transform((text) =>
    text
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== ""),
  )
  .default([]);

const DAY_MS = 86_400_000;

const settings = z.object({
  EMUFARM_OPERATOR_KUBECONFIG: z
    .string()
    .refine(isAbsolute, "must be an absolute path")
    .optional()
    .describe("Kubeconfig file; default: the service account of the pod."),
  EMUFARM_OPERATOR_NAMESPACE: z
    .string()
    .min(1)
    .describe("The operator's own namespace: its Lease and the farm's keys."),
  EMUFARM_OPERATOR_IDENTITY: z.string().min(1).describe("Name of this replica: the pod's."),
  EMUFARM_OPERATOR_WATCH_NAMESPACES: list.describe("Namespaces to serve, separated by commas; none: all."),
  EMUFARM_OPERATOR_LEASE: z.string().min(1).default("emufarm-operator").describe("Name of the Lease of the leader."),
  EMUFARM_OPERATOR_LISTEN: listenAddress,
  EMUFARM_OPERATOR_ALLOWED_HOSTS: list.describe("Names and addresses that the operator is called by."),
  EMUFARM_OPERATOR_AGENT_IMAGE: z.string().min(1).describe("Image of the agents."),
  EMUFARM_OPERATOR_AGENT_PULL_POLICY: z.enum(["Always", "IfNotPresent", "Never"]).default("IfNotPresent"),
  EMUFARM_OPERATOR_AGENT_PULL_SECRETS: list.describe("Secrets for pulling it, in each namespace."),
  EMUFARM_OPERATOR_AGENTS_SECRET: z
    .string()
    .min(1)
    .default("emufarm-agents")
    .describe("Secret with the farm's keys; others, and the ConfigMap with the public ones, are named after it."),
  EMUFARM_OPERATOR_OWNER_ROLE: z
    .string()
    .min(1)
    .optional()
    .describe("ClusterRole that the farm's objects in other namespaces go with, when the farm is uninstalled."),
  EMUFARM_OPERATOR_AGENT_NETWORK_POLICY: z
    .string()
    .transform(parseSpec)
    .optional()
    .describe("Spec of the NetworkPolicy of agents, as JSON, which each namespace with agents gets."),
  EMUFARM_OPERATOR_API_URL: z.url({ protocol: /^https?$/ }).describe("The farm's API, which imports firmware."),
  EMUFARM_OPERATOR_API_SECRET: z.string().min(1).default("emufarm-api").describe("Secret with the API's token."),
  EMUFARM_OPERATOR_CERTIFICATE_LIFE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(90 * DAY_MS)
    .describe("Life of an agent's certificate; it has a successor after two thirds of it."),
  EMUFARM_OPERATOR_KEY_LIFE_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(7 * DAY_MS)
    .describe("How long a key signs tokens for agents."),
  EMUFARM_OPERATOR_AGENT_LOSS_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(15_000)
    .describe("How long an agent may be out of reach before its instance says so."),
  EMUFARM_OPERATOR_LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
});

/** The operator's settings, read once. */
export type OperatorConfig = ReturnType<typeof readConfig>;

/** @throws {FarmError} InvalidRequest with all problems together */
export function readConfig(env: NodeJS.ProcessEnv) {
  const data = parseSettings(settings, env);
  return Object.freeze({
    kubeconfig: data.EMUFARM_OPERATOR_KUBECONFIG,
    namespace: data.EMUFARM_OPERATOR_NAMESPACE,
    identity: data.EMUFARM_OPERATOR_IDENTITY,
    watchNamespaces: data.EMUFARM_OPERATOR_WATCH_NAMESPACES,
    lease: data.EMUFARM_OPERATOR_LEASE,
    listen: data.EMUFARM_OPERATOR_LISTEN,
    allowedHosts: data.EMUFARM_OPERATOR_ALLOWED_HOSTS,
    agent: {
      image: data.EMUFARM_OPERATOR_AGENT_IMAGE,
      pullPolicy: data.EMUFARM_OPERATOR_AGENT_PULL_POLICY,
      pullSecrets: data.EMUFARM_OPERATOR_AGENT_PULL_SECRETS,
      farmNamespace: data.EMUFARM_OPERATOR_NAMESPACE,
    },
    trust: {
      certificateLifeMs: data.EMUFARM_OPERATOR_CERTIFICATE_LIFE_MS,
      keyLifeMs: data.EMUFARM_OPERATOR_KEY_LIFE_MS,
    },
    agentsSecret: data.EMUFARM_OPERATOR_AGENTS_SECRET,
    inNamespaces: {
      ownerRole: data.EMUFARM_OPERATOR_OWNER_ROLE,
      networkPolicy: data.EMUFARM_OPERATOR_AGENT_NETWORK_POLICY,
    },
    apiUrl: data.EMUFARM_OPERATOR_API_URL,
    apiSecret: data.EMUFARM_OPERATOR_API_SECRET,
    agentLossMs: data.EMUFARM_OPERATOR_AGENT_LOSS_MS,
    logLevel: data.EMUFARM_OPERATOR_LOG_LEVEL,
  });
}

function parseSpec(text: string, context: z.RefinementCtx): object {
  try {
    const spec: unknown = JSON.parse(text);
    if (typeof spec === "object" && spec !== null) return spec;
  } catch {
    // Told below, as any other text that is none.
  }
  context.addIssue({ code: "custom", message: "must be a JSON object" });
  return z.NEVER;
}
