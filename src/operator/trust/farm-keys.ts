import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { planRotation, type Rotated, type RotationRules } from "../../core/policy/key-rotation.ts";
import { SIGNERS, type Signer, type SigningKey, signingKeySet } from "../../core/wire/signed-token.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import { createSigningKey } from "../../token/signing-keys.ts";
import { createAuthority, type KeyPair, startOf } from "./certificate-authority.ts";
import { changeFarmSecret, type Texts } from "./farm-secret.ts";

/** An authority that is used for a while. */
export interface FarmAuthority extends KeyPair, Rotated {}

/** Everything that the farm's trust stands on, as it is now. */
export interface FarmKeys {
  readonly authorities: readonly FarmAuthority[];
  readonly signing: Readonly<Record<Signer, readonly SigningKey[]>>;
  /** What tokens of agents were made from in an earlier version; only farms that began with it have it. */
  readonly tokenKey: string | undefined;
  /** When something will have to be made or dropped. */
  readonly nextAtMs: number;
}

export interface FarmKeysOptions {
  readonly client: KubeClient;
  /** The operator's own. */
  readonly namespace: string;
  /** Name of the operator's own Secret; those of API and dispatcher are named after it. */
  readonly secret: string;
  readonly rules: TrustRules;
  /** The wall clock: keys are for others. */
  readonly clock: () => number;
}

export interface TrustRules {
  /** Of an agent's certificate. */
  readonly certificateLifeMs: number;
  readonly authority: RotationRules;
  readonly signing: RotationRules;
}

const AUTHORITIES = "authorities.json";
export const SIGNING_FILE = "signing.json";
const authoritiesFile = z.array(z.object({ key: z.string(), certificate: z.string(), activeFromMs: z.number() }));

const MINUTE_MS = 60_000;
/** A ConfigMap or a Secret that has changed is in every pod's files after this time, and then some. */
const LONGEST_LEAD_MS = 15 * MINUTE_MS;

/** @param lives of certificates of agents, and of keys that sign tokens */
export function trustRules(lives: { readonly certificateLifeMs: number; readonly keyLifeMs: number }): TrustRules {
  const { certificateLifeMs, keyLifeMs } = lives;
  const keyLeadMs = Math.min(LONGEST_LEAD_MS, keyLifeMs / 4);
  // An authority is known until the last certificate that it has signed has ended.
  const leadMs = Math.min(LONGEST_LEAD_MS, Math.max(2 * MINUTE_MS, certificateLifeMs / 4));
  const lifeMs = 4 * certificateLifeMs + 2 * leadMs;
  return {
    certificateLifeMs,
    authority: { lifeMs, leadMs, retireMs: certificateLifeMs },
    signing: { lifeMs: keyLifeMs, leadMs: keyLeadMs, retireMs: keyLeadMs },
  };
}

/** Name of the Secret that a signer has its keys from. */
function secretOf(secret: string, signer: Signer): string {
  return signer === "operator" ? secret : `${secret}-${signer}`;
}

/** Reads the farm's keys; makes what is not there or has a successor due, and drops what has had its time. */
export async function rotateFarmKeys({ client, namespace, secret, rules, clock }: FarmKeysOptions): Promise<FarmKeys> {
  const nowMs = clock();
  let nextAtMs = Number.POSITIVE_INFINITY;
  let authorities: readonly FarmAuthority[] = [];
  let tokenKey: string | undefined;
  const signing: Record<Signer, readonly SigningKey[]> = { operator: [], dispatcher: [], api: [] };

  async function rotated<Key extends Rotated>(
    keys: readonly Key[],
    rotation: RotationRules,
    make: (activeFromMs: number) => Promise<Key>,
  ): Promise<readonly Key[]> {
    const plan = planRotation(keys, nowMs, rotation);
    nextAtMs = Math.min(nextAtMs, plan.nextAtMs);
    return plan.makeFromMs === undefined ? plan.keep : [...plan.keep, await make(plan.makeFromMs)];
  }

  async function changed(signer: Signer, texts: Texts, name: string): Promise<Texts> {
    const known = parse(signingKeySet, texts[SIGNING_FILE] ?? '{"keys":[]}', name, SIGNING_FILE).keys;
    const keys = await rotated(known, rules.signing, (fromMs) => createSigningKey(signer, fromMs));
    signing[signer] = keys;
    return { ...texts, [SIGNING_FILE]: JSON.stringify({ keys }) };
  }

  async function changedOwn(texts: Texts, name: string): Promise<Texts> {
    tokenKey = texts["token.key"];
    const validMs = rules.authority.lifeMs + rules.authority.leadMs + rules.authority.retireMs;
    authorities = await rotated(authoritiesIn(texts, name), rules.authority, async (activeFromMs) => ({
      ...(await createAuthority(nowMs, activeFromMs - nowMs + validMs)),
      activeFromMs,
    }));
    const own = { ...texts, [AUTHORITIES]: JSON.stringify(authorities) };
    // API and dispatcher of the earlier version read it there.
    return tokenKey === undefined ? own : { ...own, "ca.crt": authorityBundle(authorities) };
  }

  for (const signer of SIGNERS) {
    const name = secretOf(secret, signer);
    await changeFarmSecret({
      client,
      namespace,
      name,
      async change(texts) {
        const next = await changed(signer, texts, name);
        return signer === "operator" ? changedOwn(next, name) : next;
      },
    });
  }
  return { authorities, signing, tokenKey, nextAtMs };
}

/** What callers of agents trust, as PEM. */
export function authorityBundle(authorities: readonly FarmAuthority[]): string {
  return authorities.map(({ certificate }) => `${certificate.trim()}\n`).join("");
}

/** An earlier version had one authority for good. */
function authoritiesIn(texts: Texts, name: string): readonly FarmAuthority[] {
  const text = texts[AUTHORITIES];
  if (text !== undefined) return parse(authoritiesFile, text, name, AUTHORITIES);
  const { "ca.key": key, "ca.crt": certificate } = texts;
  if (key === undefined || certificate === undefined) return [];
  return [{ key, certificate, activeFromMs: startOf(certificate) }];
}

function parse<Value>(schema: z.ZodType<Value>, text: string, secret: string, file: string): Value {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const detail = `Secret ${secret} has no keys in ${file}: delete the Secret, and new ones are made`;
    throw new FarmError("Internal", { detail }, { cause });
  }
}
