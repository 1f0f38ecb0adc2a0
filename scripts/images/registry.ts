/** A registry of images: distribution-spec 1.1, as far as pushing needs it. */
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { execa } from "execa";
import { SetupError } from "../setup/say.mjs";

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Whom a registry knows us as; undefined: nobody. */
export type FindLogin = (registry: string) => Promise<Login | undefined>;

export interface RegistryPlace {
  /** Host, maybe with a port. */
  readonly registry: string;
  /** Path of the image in it. */
  readonly repository: string;
}

export interface Registry {
  hasBlob(digest: string): Promise<boolean>;
  pushFile(digest: string, file: string, bytes: number): Promise<void>;
  pushText(digest: string, text: string): Promise<void>;
  pushManifest(tag: string, mediaType: string, text: string): Promise<void>;
}

interface Request {
  readonly method: string;
  readonly body?: () => ReadableStream | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ANSWER_MS = 300_000;

/** A host of this machine has no certificate, and needs none. */
const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

/** @throws {SetupError} where the registry says no, in its words */
export function openRegistry(
  { registry, repository }: RegistryPlace,
  isPlain: boolean,
  findLogin: FindLogin,
): Registry {
  const base = `${isPlain || LOCAL.test(registry) ? "http" : "https"}://${registry}`;
  let authorization: string | undefined;

  async function send(url: string, { method, body, headers }: Request): Promise<Response> {
    try {
      return await fetch(url, {
        method,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
        ...(body && { body: body(), duplex: "half" }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
    } catch (cause) {
      const { message } = ((cause as Error).cause as Error | undefined) ?? (cause as Error);
      throw new SetupError(`the registry ${base} does not answer: ${message}`);
    }
  }

  async function ask(path: string, request: Request): Promise<Response> {
    const url = new URL(path, base).href;
    const answer = await send(url, request);
    const challenge = answer.headers.get("www-authenticate");
    if (answer.status !== 401 || challenge === null) return answer;
    await answer.body?.cancel();
    authorization = await answerTo(challenge, registry, repository, await findLogin(registry));
    return await send(url, request);
  }

  async function need(status: number, path: string, request: Request): Promise<Response> {
    const answer = await ask(path, request);
    if (answer.status === status) return answer;
    throw new SetupError(await refusal(registry, repository, answer));
  }

  async function push(digest: string, body: () => ReadableStream | string, bytes: number): Promise<void> {
    const begun = await need(202, `/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const place = new URL(begun.headers.get("location") ?? "", base);
    place.searchParams.set("digest", digest);
    const headers = { "content-type": "application/octet-stream", "content-length": String(bytes) };
    await need(201, place.href, { method: "PUT", headers, body });
  }

  return {
    async hasBlob(digest) {
      const answer = await ask(`/v2/${repository}/blobs/${digest}`, { method: "HEAD" });
      if (answer.status === 200 || answer.status === 404) return answer.status === 200;
      throw new SetupError(await refusal(registry, repository, answer));
    },
    pushFile: (digest, file, bytes) => push(digest, () => Readable.toWeb(createReadStream(file)), bytes),
    pushText: (digest, text) => push(digest, () => text, Buffer.byteLength(text)),
    async pushManifest(tag, mediaType, text) {
      const headers = { "content-type": mediaType };
      await need(201, `/v2/${repository}/manifests/${tag}`, { method: "PUT", headers, body: () => text });
    },
  };
}

async function refusal(registry: string, repository: string, answer: Response): Promise<string> {
  const text = (await answer.text()).trim().slice(0, 500);
  if (answer.status !== 401 && answer.status !== 403) {
    return `the registry ${registry} does not take emufarm's images in ${repository}: status ${answer.status} ${text}`;
  }
  const login = `docker login ${registry}, podman login ${registry} or skopeo login ${registry} leave one where it is found`;
  return `the registry ${registry} does not let us write to ${repository} (status ${answer.status}): it wants a login; ${login}`;
}

/** What to show for a challenge (RFC 7235); of a token service a token is asked for (distribution, token authentication). */
async function answerTo(
  challenge: string,
  registry: string,
  repository: string,
  login: Login | undefined,
): Promise<string | undefined> {
  const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  if (!/^bearer /i.test(challenge)) return basic;
  const parts = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  if (parts.realm === undefined) return basic;
  const realm = new URL(parts.realm);
  if (parts.service !== undefined) realm.searchParams.set("service", parts.service);
  realm.searchParams.set("scope", `repository:${repository}:pull,push`);
  const answer = await fetch(realm, {
    headers: basic === undefined ? {} : { authorization: basic },
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (!answer.ok) throw new SetupError(await refusal(registry, repository, answer));
  const { token, access_token: accessToken } = (await answer.json()) as { token?: string; access_token?: string };
  return `Bearer ${token ?? accessToken ?? ""}`;
}

interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** The logins that docker, podman, skopeo and helm leave, with their helpers. */
export function loginsOf(env: Readonly<Record<string, string | undefined>>): FindLogin {
  const files = [
    env.REGISTRY_AUTH_FILE,
    env.DOCKER_CONFIG === undefined ? undefined : join(env.DOCKER_CONFIG, "config.json"),
    env.XDG_RUNTIME_DIR === undefined ? undefined : join(env.XDG_RUNTIME_DIR, "containers/auth.json"),
    join(env.HOME ?? homedir(), ".docker/config.json"),
  ].filter((file) => file !== undefined && existsSync(file)) as string[];
  return async (registry) => {
    for (const file of files) {
      const { auths = {}, credHelpers = {}, credsStore } = JSON.parse(readFileSync(file, "utf8")) as AuthFile;
      const { auth } = auths[registry] ?? auths[`https://${registry}`] ?? {};
      if (auth !== undefined) {
        const [username = "", ...password] = Buffer.from(auth, "base64").toString().split(":");
        return { username, password: password.join(":") };
      }
      const helper = credHelpers[registry] ?? (registry in auths ? credsStore : undefined);
      if (helper !== undefined) return await askHelper(helper, registry);
    }
    return undefined;
  };
}

async function askHelper(helper: string, registry: string): Promise<Login> {
  const { stdout } = await execa(`docker-credential-${helper}`, ["get"], { input: registry });
  const { Username: username = "", Secret: password = "" } = JSON.parse(stdout) as Record<string, string>;
  return { username, password };
}
