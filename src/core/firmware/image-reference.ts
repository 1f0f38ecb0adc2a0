/** Where an OCI image is: `registry.example:5000/team/app:1.2`, `app@sha256:...`. */
export interface ImageReference {
  /** Host of the registry, maybe with a port. */
  readonly registry: string;
  /** Path of the image there. */
  readonly repository: string;
  /** Tag or digest. */
  readonly version: string;
  /** `sha256:` and 64 digits, where the reference has one. */
  readonly digest?: string | undefined;
}

const DOCKER_HUB = "registry-1.docker.io";
const HUB_NAMES = new Set(["docker.io", "index.docker.io", DOCKER_HUB]);

// As distribution's grammar has it.
const PATH = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const HOST = /^([a-zA-Z0-9]([-a-zA-Z0-9.]*[a-zA-Z0-9])?|\[[0-9a-fA-F:.]+\])(:\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** As Docker reads references; undefined where the text is none, or has a digest that is not SHA-256. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named = "", digest, ...rest] = text.split("@");
  if (rest.length > 0 || (digest !== undefined && !DIGEST.test(digest))) return undefined;
  const { registry, path } = splitRegistry(named);
  const colon = path.lastIndexOf(":");
  const name = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  const repository = registry === DOCKER_HUB && !name.includes("/") ? `library/${name}` : name;
  if (!HOST.test(registry) || !PATH.test(repository) || (tag !== undefined && !TAG.test(tag))) return undefined;
  return { registry, repository, version: digest ?? tag ?? "latest", digest };
}

/** The host by which a registry is asked, whatever it is called: Docker Hub has several names. */
export function registryHost(name: string): string {
  return HUB_NAMES.has(name) ? DOCKER_HUB : name;
}

/** What stands before the first slash is a registry where it could be no part of a path. */
function splitRegistry(named: string): { readonly registry: string; readonly path: string } {
  const slash = named.indexOf("/");
  const first = named.slice(0, Math.max(slash, 0));
  if (!/[.:]/.test(first) && first !== "localhost") return { registry: DOCKER_HUB, path: named };
  return { registry: registryHost(first), path: named.slice(slash + 1) };
}
