import { text } from "node:stream/consumers";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ImageReference } from "../../core/firmware/image-reference.ts";
import type { ImportCredentials } from "../../core/wire/import.ts";
import type { WebSource } from "./web-source.ts";

/** The header for these credentials. */
export function authorizationOf(credentials: ImportCredentials): string {
  if ("token" in credentials) return `Bearer ${credentials.token}`;
  const { username, password } = credentials;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

export interface RegistryChallenge {
  /** The header `www-authenticate` of the registry's refusal. */
  readonly challenge: string;
  readonly reference: ImageReference;
  readonly credentials: ImportCredentials | undefined;
  /** True where the registry itself is spoken to without TLS. */
  readonly isPlain: boolean;
  readonly signal: AbortSignal;
}

/**
 * What to show to a registry that has refused (distribution's token authentication): a token of its token service, which
 * gives one to everybody for what is public. Undefined where there is nothing to show.
 * @throws {FarmError} FirmwareSourceRefused, FirmwareSourceFailed
 */
export async function answerTo(web: WebSource, asked: RegistryChallenge): Promise<string | undefined> {
  const { challenge, reference, credentials, isPlain, signal } = asked;
  const own = credentials && authorizationOf(credentials);
  if (!/^bearer /i.test(challenge)) return own;
  const parts = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  if (!URL.canParse(parts.realm ?? "")) return own;
  const realm = new URL(parts.realm ?? "");
  const source = `${reference.registry}/${reference.repository}`;
  if (realm.protocol !== "https:" && !isPlain) {
    throw new FarmError("FirmwareSourceRefused", { source, problem: "its token service is not asked by https" });
  }
  if (parts.service !== undefined) realm.searchParams.set("service", parts.service);
  realm.searchParams.set("scope", `repository:${reference.repository}:pull`);
  return await web.ask({ url: realm.href, authorization: own, signal }, async ({ status, bytes }) => {
    const problem = (detail: string) => new FarmError("FirmwareSourceFailed", { source, detail });
    if (status !== 200) throw problem(`its token service answered ${status}`);
    const token = tokenIn(await text(bytes));
    if (token === undefined) throw problem("its token service gave no token");
    return `Bearer ${token}`;
  });
}

function tokenIn(body: string): string | undefined {
  try {
    const { token, access_token: accessToken } = JSON.parse(body) as Record<string, unknown>;
    const found = token ?? accessToken;
    return typeof found === "string" && /^[\x21-\x7e]+$/.test(found) ? found : undefined;
  } catch {
    // Not what a token service answers with.
    return undefined;
  }
}
