import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AgentClientOptions } from "../../client/agent-client.ts";
import { agentServerName, agentToken, hasSignedTokens } from "../../client/agent-identity.ts";
import { sharedContext } from "../../client/server-trust.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { type SigningKey, signingKeySet } from "../../core/wire/signed-token.ts";
import type { KubeObject } from "../../kube/kube-object.ts";
import { createTokenSigner, type TokenSigner } from "../../token/token-signer.ts";

/** What a caller of agents in pods needs, from a folder that the node keeps up to date. */
export interface AgentKeys {
  /** Certificates of the authorities of agents, as PEM. */
  authority(): Promise<string>;
  credentialsFor(pod: KubeObject): Promise<Pick<AgentClientOptions, "token" | "tls">>;
  readonly signer: TokenSigner;
}

interface Keys {
  readonly authority: string;
  readonly signing: readonly SigningKey[];
  /** Of farms that began with an earlier version. */
  readonly tokenKey: string | undefined;
  readonly readAtMs: number;
}

/** What has been replaced is noticed after this time, without a watch on files. */
const FRESH_MS = 5_000;

/** @param folder with `ca.crt` and `signing.json`, maybe `token.key` */
export function openAgentKeys(folder: string): AgentKeys {
  let known: Keys | undefined;
  let reading: Promise<Keys> | undefined;

  async function keysNow(): Promise<Keys> {
    if (known && performance.now() - known.readAtMs < FRESH_MS) return known;
    reading ??= readKeys(folder).finally(() => {
      reading = undefined;
    });
    known = await reading;
    return known;
  }

  const context = sharedContext();
  const signer = createTokenSigner({ keys: async () => (await keysNow()).signing, clock: () => Date.now() });
  return {
    signer,
    authority: async () => (await keysNow()).authority,
    async credentialsFor(pod) {
      const { uid = "" } = pod.metadata;
      const { tokenKey = "", authority } = await keysNow();
      // Each request asks for a token first, and by that for the authorities as they are.
      const tls = { authority: () => known?.authority ?? authority, serverName: agentServerName(uid), context };
      return { tls, token: hasSignedTokens(pod) ? () => signer.tokenFor(uid) : agentToken(tokenKey, uid) };
    },
  };
}

async function readKeys(folder: string): Promise<Keys> {
  try {
    const [authority, signing, tokenKey] = await Promise.all([
      readFile(join(folder, "ca.crt"), "utf8"),
      readFile(join(folder, "signing.json"), "utf8"),
      readFile(join(folder, "token.key"), "utf8").catch(ignoreMissing),
    ]);
    const { keys } = signingKeySet.parse(JSON.parse(signing));
    return { authority, signing: keys, tokenKey: tokenKey?.trim(), readAtMs: performance.now() };
  } catch (cause) {
    const detail = `the keys for agents cannot be read from ${folder} (${(cause as Error).message})`;
    throw new FarmError("Internal", { detail }, { cause });
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
