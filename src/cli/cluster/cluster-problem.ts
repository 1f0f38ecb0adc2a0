import { FarmError } from "../../core/error/farm-error.ts";
import { CUSTOM_RESOURCES } from "../../core/kubernetes/custom-resources.ts";
import { KubeError } from "../../kube/kube-error.ts";

/** What was asked of the cluster, for the words of its refusal. */
export interface Asked {
  readonly server: string;
  /** Such as `EmulatorInstance sensor-01 in namespace lab`. */
  readonly what: string;
  readonly kind: string;
}

const NOT_CHOSEN = new Set(["NoKubeconfig", "NoContext", "NoServer"]);
const ADVICE = {
  own: "The farm's chart brings it: helm install emufarm charts/emufarm (or --context names another cluster)",
  foreign: "Install what brings it, or correct apiVersion and kind",
};

/** The API server's refusal in the words of the farm; any other error as it is. */
export function clusterProblem(thrown: unknown, { server, what, kind }: Asked): unknown {
  if (!(thrown instanceof KubeError)) return thrown;
  const { status, reason } = thrown;
  const cause = { cause: thrown };
  const words = thrown.message.replace(/[.]$/, "");
  if (NOT_CHOSEN.has(reason)) return new FarmError("NoCluster", { problem: words }, cause);
  if (status === 401) return new FarmError("ClusterLoginRefused", { server, problem: words }, cause);
  if (status === 403) return new FarmError("Forbidden", { problem: words.replace(/^.* is forbidden: /, "") }, cause);
  if (status === 404 && isUnknownKind(thrown)) return kindNotInstalled(server, kind, thrown);
  if (status === 404) return new FarmError("NotFound", splitName(what), cause);
  if (status === 409) return new FarmError("Conflict", { what, problem: words }, cause);
  if (status === 400 || status === 413 || status === 422) {
    return new FarmError("ClusterRefused", { what, problem: refusal(words) }, cause);
  }
  return new FarmError("ClusterUnreachable", { detail: words }, cause);
}

export function kindNotInstalled(server: string, kind: string, cause?: unknown): FarmError<"KindNotInstalled"> {
  const isOwn = CUSTOM_RESOURCES.some((one) => kind.startsWith(one.kind));
  return new FarmError("KindNotInstalled", { server, kind, advice: isOwn ? ADVICE.own : ADVICE.foreign }, { cause });
}

/** An object that is not there is named in the answer; a path that is not there has no object. */
function isUnknownKind({ message }: KubeError): boolean {
  return message.startsWith("the server could not find") || message.startsWith("404 page not found");
}

function splitName(what: string): { kind: string; name: string } {
  const space = what.indexOf(" ");
  return space < 0 ? { kind: "object", name: what } : { kind: what.slice(0, space), name: what.slice(space + 1) };
}

/** Without the name of the object, which stands before it already. */
function refusal(words: string): string {
  return words.replace(/^\S+ "[^"]*" is invalid: /, "");
}
