import { parseImageReference, registryHost } from "../../core/firmware/image-reference.ts";
import { FIRMWARE_SECRET_TYPE, IMAGE_SECRET_TYPE, type ImageSource } from "../../core/schema/firmware-source.ts";
import type { ImportCredentials } from "../../core/wire/import.ts";
import type { Secret } from "../kubernetes/kinds.ts";
import { SourceProblem } from "./source-problem.ts";

type Credentials = { readonly hosts: readonly string[]; readonly found: ImportCredentials | undefined };

/**
 * What a Secret has for the host of a source. Only Secrets of types that list their hosts are used: whoever may name
 * one in a manifest cannot have it shown to a host of their own.
 * @throws {SourceProblem} Secret...
 */
export function credentialsIn(secret: Secret, source: Pick<ImageSource, "url" | "image">): ImportCredentials {
  const name = secret.metadata.name ?? "";
  const host = hostOf(source);
  const { hosts, found } = readSecret(secret, source, host);
  if (!hosts.includes(host)) {
    const listed = hosts.length === 0 ? "none" : `those for ${hosts.join(", ")}`;
    throw new SourceProblem("SecretHostNotListed", `Secret ${name} has no credentials for ${host}; it has ${listed}.`);
  }
  if (found) return found;
  const wanted = "it needs a token, or a username and a password";
  throw new SourceProblem("SecretIncomplete", `Secret ${name} has no credentials that can be used: ${wanted}.`);
}

function readSecret(secret: Secret, { image }: Pick<ImageSource, "image">, host: string): Credentials {
  if (secret.type === FIRMWARE_SECRET_TYPE) return ownCredentials(secret);
  if (secret.type === IMAGE_SECRET_TYPE && image !== undefined) return dockerCredentials(secret, host);
  const types = image === undefined ? FIRMWARE_SECRET_TYPE : `${FIRMWARE_SECRET_TYPE} or ${IMAGE_SECRET_TYPE}`;
  const { name = "" } = secret.metadata;
  throw new SourceProblem(
    "SecretTypeNotSupported",
    `Secret ${name} is of type ${secret.type ?? "Opaque"}; credentials for firmware are in one of type ${types}.`,
  );
}

function hostOf({ url, image }: Pick<ImageSource, "url" | "image">): string {
  if (url !== undefined) return new URL(url).host;
  const registry = image === undefined ? undefined : parseImageReference(image)?.registry;
  if (registry !== undefined) return registry;
  throw new SourceProblem("ImageReferenceInvalid", `${image ?? ""} is no reference of an OCI image.`);
}

/** `hosts`, and `token` or `username` and `password`. */
function ownCredentials(secret: Secret): Credentials {
  const [hosts, token, username, password] = ["hosts", "token", "username", "password"].map((key) => text(secret, key));
  const names = (hosts ?? "").split(/[\s,]+/).filter((host) => host !== "");
  const user = username && password !== undefined ? { username, password } : undefined;
  return { hosts: names.map((host) => registryHost(host.toLowerCase())), found: token ? { token } : user };
}

interface DockerLogin {
  readonly auth?: unknown;
  readonly username?: unknown;
  readonly password?: unknown;
}

/** As `docker login` writes them, by registry. */
function dockerCredentials(secret: Secret, host: string): Credentials {
  const logins = new Map<string, DockerLogin>();
  for (const [name, login] of Object.entries(dockerLogins(secret))) {
    logins.set(registryHost(name.replace(/^https?:\/\//, "").replace(/\/.*$/, "")), login);
  }
  const { auth, username, password } = logins.get(host) ?? {};
  const hosts = [...logins.keys()];
  if (typeof username === "string" && typeof password === "string") return { hosts, found: { username, password } };
  const pair = fromBase64(typeof auth === "string" ? auth : "");
  const colon = pair.indexOf(":");
  return { hosts, found: colon > 0 ? { username: pair.slice(0, colon), password: pair.slice(colon + 1) } : undefined };
}

function dockerLogins(secret: Secret): Readonly<Record<string, DockerLogin>> {
  try {
    const { auths } = JSON.parse(text(secret, ".dockerconfigjson") ?? "") as { auths?: Record<string, DockerLogin> };
    return auths ?? {};
  } catch {
    const { name = "" } = secret.metadata;
    throw new SourceProblem(
      "SecretIncomplete",
      `Secret ${name} is of type ${IMAGE_SECRET_TYPE} and has no JSON in it.`,
    );
  }
}

/** Files end with an end of line that is not meant. */
function text({ data }: Secret, key: string): string | undefined {
  const base64 = data?.[key];
  return base64 === undefined ? undefined : fromBase64(base64).replace(/\r?\n$/, "");
}

function fromBase64(base64: string): string {
  return Buffer.from(base64, "base64").toString();
}
