import { isAbsolute } from "node:path";
import { z } from "zod";
import { FarmError } from "../core/error/farm-error.ts";
import { parseSettings } from "../core/schema/parse-settings.ts";
import { listenAddress } from "../http/listen-address.ts";
import { readSecretFile, readTokenFile } from "../http/token-file.ts";
import { LOG_LEVELS } from "../log/log.ts";
import { isNetwork } from "./firmware/address-rules.ts";
import { s3SettingsOf, s3Variables } from "./store/s3-variables.ts";

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");
const list = (separator: string) =>
  z.string().transform((text) => text.split(separator).filter((one) => one.trim() !== ""));

const settings = z.object({
  EMUFARM_ROLE: z.enum(["api", "dispatcher"]).describe("Which of the two processes this one is."),
  EMUFARM_LISTEN: listenAddress,
  EMUFARM_TOKEN_FILE: absolutePath.describe("File with the token of callers and agents."),
  EMUFARM_DATA: absolutePath.describe("The farm's folder: store, own boards, key of signed URLs."),
  EMUFARM_REDIS: z.string().regex(/^(unix:\/|rediss?:\/\/)/, "must be unix:/path or redis://host:port"),
  EMUFARM_REDIS_PASSWORD_FILE: absolutePath.optional().describe("File with the password of Redis."),
  EMUFARM_ALLOWED_HOSTS: list(",")
    .default([])
    .describe("Names and addresses that the server is called by, apart from the loopback's and the public URL's."),
  EMUFARM_AGENTS: list(",").default([]).describe("Addresses of the agents, separated by commas."),
  EMUFARM_AGENT_SELECTOR: z
    .string()
    .min(1)
    .optional()
    .describe("Labels of the pods whose agents take jobs, instead of EMUFARM_AGENTS; this process is in a pod then."),
  EMUFARM_AGENT_NAMESPACES: list(",").default([]).describe("Namespaces of those pods; none: all."),
  EMUFARM_AGENT_KEYS: absolutePath.optional().describe("Folder with ca.crt and signing.json, for the agents in pods."),
  EMUFARM_KUBECONFIG: absolutePath.optional().describe("Kubeconfig file; default: the service account of the pod."),
  EMUFARM_LOGIN_NAMESPACE: z
    .string()
    .min(1)
    .optional()
    .describe("Takes tokens that the cluster knows, for what its roles allow; the farm's own namespace."),
  EMUFARM_OIDC_ISSUER: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("Identity provider whose tokens are taken."),
  EMUFARM_OIDC_AUDIENCE: z.string().min(1).default("emufarm").describe("Whom they must be for."),
  EMUFARM_OIDC_USERNAME_CLAIM: z.string().min(1).default("sub"),
  EMUFARM_OIDC_GROUPS_CLAIM: z.string().min(1).default("groups"),
  EMUFARM_OIDC_PREFIX: z.string().default("oidc:").describe("Before the names of its users and groups."),
  EMUFARM_PUBLIC_URL: z.url({ protocol: /^https?$/ }).describe("Where callers and agents reach the API."),
  EMUFARM_BOARDS: list(":").default([]).describe("Folders of boards, separated by colons."),
  EMUFARM_IMPORT_ALLOW: list(",")
    .default([])
    .describe("Hosts, addresses and networks that firmware is fetched from though they are not public."),
  EMUFARM_IMPORT_DENY: list(",")
    .refine((all) => all.every(isNetwork), "must be addresses and networks such as 192.0.2.0/24")
    .default([])
    .describe("Public addresses and networks that firmware is not fetched from, such as the cluster's."),
  EMUFARM_IMPORT_PLAIN_REGISTRIES: list(",")
    .default([])
    .describe("Registries of images that are spoken to by HTTP, each as references name it, such as 10.1.0.7:5000."),
  EMUFARM_IMPORT_MAX_MIB: z.coerce.number().int().positive().default(1_024).describe("Largest firmware from a URL."),
  EMUFARM_IMPORT_TIMEOUT_MS: z.coerce.number().int().positive().default(300_000).describe("Longest download."),
  EMUFARM_ADDRESS_FILE: absolutePath
    .optional()
    .describe("File that gets the URL where the api listens, for a port that the system chooses."),
  EMUFARM_TENANT: z.string().min(1).max(255).default("local").describe("Tenant of everybody who has the token."),
  EMUFARM_RETENTION_DAYS: z.coerce.number().positive().default(30).describe("Age at which finished runs are deleted."),
  EMUFARM_RETENTION_GIB: z.coerce
    .number()
    .positive()
    .default(20)
    .describe("Size of the store above which the oldest finished runs are deleted."),
  ...s3Variables,
  EMUFARM_LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
});

const DAY_MS = 86_400_000;
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Settings of the api and the dispatcher, read once. */
export type ApiConfig = ReturnType<typeof readConfig>;

/** @throws {FarmError} InvalidRequest with all problems together */
export function readConfig(env: NodeJS.ProcessEnv) {
  const data = parseSettings(settings, env);
  return Object.freeze({
    role: data.EMUFARM_ROLE,
    listen: data.EMUFARM_LISTEN,
    tokenFile: data.EMUFARM_TOKEN_FILE,
    token: readTokenFile(data.EMUFARM_TOKEN_FILE),
    dataFolder: data.EMUFARM_DATA,
    redis: data.EMUFARM_REDIS,
    redisPassword:
      data.EMUFARM_REDIS_PASSWORD_FILE === undefined
        ? undefined
        : readSecretFile("EMUFARM_REDIS_PASSWORD_FILE", data.EMUFARM_REDIS_PASSWORD_FILE),
    allowedHosts: data.EMUFARM_ALLOWED_HOSTS,
    agents: data.EMUFARM_AGENTS,
    agentPods: agentPodsOf(data),
    login: loginOf(data),
    publicUrl: data.EMUFARM_PUBLIC_URL,
    imports: {
      allowed: data.EMUFARM_IMPORT_ALLOW,
      denied: data.EMUFARM_IMPORT_DENY,
      plainRegistries: data.EMUFARM_IMPORT_PLAIN_REGISTRIES,
      maxBytes: data.EMUFARM_IMPORT_MAX_MIB * MIB,
      timeoutMs: data.EMUFARM_IMPORT_TIMEOUT_MS,
    },
    boardFolders: data.EMUFARM_BOARDS,
    addressFile: data.EMUFARM_ADDRESS_FILE,
    tenant: data.EMUFARM_TENANT,
    retention: { maxAgeMs: data.EMUFARM_RETENTION_DAYS * DAY_MS, maxBytes: data.EMUFARM_RETENTION_GIB * GIB },
    s3: s3SettingsOf(data),
    logLevel: data.EMUFARM_LOG_LEVEL,
  });
}

function loginOf(data: z.infer<typeof settings>) {
  const { EMUFARM_LOGIN_NAMESPACE: namespace, EMUFARM_OIDC_ISSUER: issuer } = data;
  if (namespace === undefined) {
    if (issuer === undefined) return undefined;
    throw new FarmError("InvalidRequest", { problems: "EMUFARM_OIDC_ISSUER: goes with EMUFARM_LOGIN_NAMESPACE" });
  }
  if (data.EMUFARM_AGENT_SELECTOR === undefined) {
    throw new FarmError("InvalidRequest", { problems: "EMUFARM_LOGIN_NAMESPACE: goes with EMUFARM_AGENT_SELECTOR" });
  }
  const oidc = issuer === undefined ? undefined : { ...oidcOf(data), issuer };
  return { namespace, oidc };
}

function oidcOf(data: z.infer<typeof settings>) {
  return {
    audience: data.EMUFARM_OIDC_AUDIENCE,
    usernameClaim: data.EMUFARM_OIDC_USERNAME_CLAIM,
    groupsClaim: data.EMUFARM_OIDC_GROUPS_CLAIM,
    prefix: data.EMUFARM_OIDC_PREFIX,
  };
}

function agentPodsOf(data: z.infer<typeof settings>) {
  const {
    EMUFARM_AGENT_SELECTOR: labelSelector,
    EMUFARM_AGENT_KEYS: keysFolder,
    EMUFARM_KUBECONFIG: kubeconfig,
  } = data;
  if (labelSelector === undefined) return undefined;
  if (keysFolder === undefined) {
    throw new FarmError("InvalidRequest", { problems: "EMUFARM_AGENT_KEYS: goes with EMUFARM_AGENT_SELECTOR" });
  }
  return { labelSelector, keysFolder, kubeconfig, namespaces: data.EMUFARM_AGENT_NAMESPACES };
}
