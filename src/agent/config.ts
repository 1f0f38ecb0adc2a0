import { isAbsolute } from "node:path";
import { z } from "zod";
import { FarmError } from "../core/error/farm-error.ts";
import { parseSettings } from "../core/schema/parse-settings.ts";
import { listenAddress } from "../http/listen-address.ts";
import { readServerIdentity } from "../http/server-identity.ts";
import { readTokenFile } from "../http/token-file.ts";
import { LOG_LEVELS } from "../log/log.ts";

const folder = z.string().refine(isAbsolute, "must be an absolute path");
const folders = z.string().transform((text) => text.split(":").filter((one) => one !== ""));

const settings = z.object({
  EMUFARM_LISTEN: listenAddress,
  EMUFARM_TOKEN_FILE: folder.optional().describe("File with a token whose bearer may everything: on one machine."),
  EMUFARM_TOKEN_KEYS: folder.optional().describe("File with the public keys of signed tokens: in a pod."),
  EMUFARM_TOKEN_AUDIENCE: z.string().min(1).optional().describe("Uid of the pod, which signed tokens are for."),
  EMUFARM_TLS_KEY_FILE: folder.optional().describe("Key of the server, as PEM; without it, plain HTTP."),
  EMUFARM_TLS_CERTIFICATE_FILE: folder.optional().describe("Certificate that belongs to the key."),
  EMUFARM_ALLOWED_HOSTS: z
    .string()
    .transform((text) => text.split(",").filter((one) => one !== ""))
    .default([])
    .describe("Names and addresses that the agent is called by, apart from the loopback's."),
  EMUFARM_RUNTIME_DIR: folder.describe("Short-lived files: the slots' folders."),
  EMUFARM_DATA: folder.describe("The spool and the firmware cache."),
  EMUFARM_CACHE: folder.describe("What can be found out again: probes of emulators."),
  EMUFARM_SLOTS: z.coerce.number().int().min(1).max(256),
  EMUFARM_SLOT_UID_BASE: z.coerce
    .number()
    .int()
    .positive()
    .optional()
    .describe("User id of the first slot, where the agent is root; default: from a free range."),
  EMUFARM_QEMU_PATH: folders.default([]).describe("Folders that emulators are searched in first."),
  EMUFARM_EMULATORS: z
    .string()
    .transform((text) => text.split(",").filter((one) => one !== ""))
    .default([])
    .describe("Names of emulators that will be wanted: asked what they can do as soon as the agent starts."),
  EMUFARM_FIRMWARE_CACHE_MIB: z.coerce.number().int().positive().default(2_048),
  EMUFARM_SNAPSHOTS_MIB: z.coerce.number().int().positive().default(4_096),
  EMUFARM_GRACE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(3_000)
    .describe("How long running attempts may go on after SIGTERM."),
  EMUFARM_LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  PATH: folders.default([]),
});

/** The agent's settings, read once. */
export type AgentConfig = ReturnType<typeof readConfig>;

/** @throws {FarmError} InvalidRequest with all problems together */
export function readConfig(env: NodeJS.ProcessEnv) {
  const data = parseSettings(settings, env);
  return Object.freeze({
    listen: data.EMUFARM_LISTEN,
    ...tokensOf(data),
    tls: readServerIdentity(data.EMUFARM_TLS_KEY_FILE, data.EMUFARM_TLS_CERTIFICATE_FILE),
    allowedHosts: data.EMUFARM_ALLOWED_HOSTS,
    runtimeFolder: data.EMUFARM_RUNTIME_DIR,
    dataFolder: data.EMUFARM_DATA,
    cacheFolder: data.EMUFARM_CACHE,
    slots: data.EMUFARM_SLOTS,
    slotUidBase: data.EMUFARM_SLOT_UID_BASE,
    searchPath: [...data.EMUFARM_QEMU_PATH, ...data.PATH],
    wantedEmulators: data.EMUFARM_EMULATORS,
    firmwareCacheBytes: data.EMUFARM_FIRMWARE_CACHE_MIB * 1024 * 1024,
    snapshotBytes: data.EMUFARM_SNAPSHOTS_MIB * 1024 * 1024,
    graceMs: data.EMUFARM_GRACE_MS,
    logLevel: data.EMUFARM_LOG_LEVEL,
  });
}

function tokensOf(data: z.infer<typeof settings>) {
  const { EMUFARM_TOKEN_FILE: tokenFile, EMUFARM_TOKEN_KEYS: keysFile, EMUFARM_TOKEN_AUDIENCE: audience } = data;
  if ((keysFile === undefined) !== (audience === undefined)) {
    const problems = "EMUFARM_TOKEN_KEYS and EMUFARM_TOKEN_AUDIENCE belong together: one is missing";
    throw new FarmError("InvalidRequest", { problems });
  }
  if (tokenFile === undefined && keysFile === undefined) {
    const problems = "EMUFARM_TOKEN_FILE is missing, and so are EMUFARM_TOKEN_KEYS: nobody could call the agent";
    throw new FarmError("InvalidRequest", { problems });
  }
  const signed = keysFile !== undefined && audience !== undefined ? { keysFile, audience } : undefined;
  const token = tokenFile === undefined ? undefined : readTokenFile(tokenFile);
  return { token, tokenFile: tokenFile ?? "no file", signedTokens: signed };
}
