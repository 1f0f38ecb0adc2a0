import { isExpired, KubeError } from "./kube-error.ts";

/** A change may have been missed, or the version is of no use. */
export function mustList(error: unknown): boolean {
  return !(error instanceof KubeError) || isExpired(error) || error.reason === "Unparsable" || isFromTheFuture(error);
}

/** The server's data are older than what it told before: it was restored from a backup. */
function isFromTheFuture(error: KubeError): boolean {
  return error.causes.some(({ reason }) => reason === "ResourceVersionTooLarge");
}

/** The API server understood, and did not want to. What has to do with who asks, or how often, passes by itself. */
export function isRefusal(error: unknown): boolean {
  return error instanceof KubeError && error.status >= 400 && ![401, 403, 429].includes(error.status);
}

/** Part of a watch's ordinary life. */
export function isHarmless(error: unknown): boolean {
  return isExpired(error) || (error instanceof KubeError && ["Timeout", "Suspect"].includes(error.reason));
}
