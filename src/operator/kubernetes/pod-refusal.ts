import type { Problem } from "../../core/policy/instance-observation.ts";
import { KubeError } from "../../kube/kube-error.ts";

/** What the API server does not let in, by a rule or a quota, in its own words; undefined for other failures. */
export function refusalOf(error: unknown): Problem | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (![400, 403, 404, 422].includes(error.status)) return undefined;
  return { reason: error.reason.replace(/[^A-Za-z0-9]/g, "") || "Refused", message: error.message };
}
