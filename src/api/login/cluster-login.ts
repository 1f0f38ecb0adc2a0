import { FarmError } from "../../core/error/farm-error.ts";
import { parseJobId } from "../../core/policy/attempt-id.ts";
import { jobId, runId } from "../../core/wire/farm.ts";
import type { Admit, AskedRequest } from "../../http/trust.ts";
import type { RunHead, Store } from "../store/store.ts";
import type { May } from "./access-review.ts";
import { type Permission, type RouteRight, rightInWords, rightOf } from "./permission.ts";
import type { Identify } from "./somebody.ts";

export interface ClusterLoginDependencies {
  readonly identify: Identify;
  readonly may: May;
  readonly store: Pick<Store, "readRunHead">;
  /** The farm's own namespace: of requests that name none. */
  readonly namespace: string;
}

/** Names the namespace that a request is about; runs are of the namespace that they were submitted for. */
export const NAMESPACE_HEADER = "emufarm-namespace";
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Takes whoever the cluster knows, for what its roles allow. */
export function createClusterLogin({ identify, may, store, namespace: own }: ClusterLoginDependencies): Admit {
  /** The names in a path have not been checked yet. */
  async function readRun({ route, params: { id } }: AskedRequest): Promise<RunHead | undefined> {
    const isJob = route?.startsWith("/v1/jobs/") === true;
    const { success, data = "" } = (isJob ? jobId : runId).safeParse(id);
    return success ? await store.readRunHead(isJob ? parseJobId(data).runId : data) : undefined;
  }

  async function namespaceOf({ of }: RouteRight, asked: AskedRequest, chosen: string): Promise<string | undefined> {
    if (of === "cluster") return undefined;
    if (of === "request") return chosen;
    const run = await readRun(asked);
    // Of a run that is not there nothing can be told but that.
    return run?.tenant ?? chosen;
  }

  return async (token, asked) => {
    const chosen = namespaceIn(asked) ?? own;
    const right = rightOf(asked);
    const somebody = await identify(token);
    const caller = { name: somebody.username, tenant: chosen };
    if (right === "anybody") return caller;
    if (right === undefined) {
      const problem = `${asked.method} ${asked.route} is for the farm's own parts, whoever calls`;
      throw new FarmError("Forbidden", { problem });
    }
    const { of: _, ...action } = right;
    const permission: Permission = { ...action, namespace: await namespaceOf(right, asked, chosen) };
    if (await may(somebody, permission)) return { ...caller, tenant: permission.namespace ?? chosen };
    throw new FarmError("Forbidden", { problem: `${somebody.username} may not ${rightInWords(permission)}` });
  };
}

function namespaceIn({ headers }: AskedRequest): string | undefined {
  const value = headers[NAMESPACE_HEADER];
  if (value === undefined) return undefined;
  if (typeof value === "string" && NAMESPACE.test(value)) return value;
  throw new FarmError("InvalidRequest", { problems: `header ${NAMESPACE_HEADER}: must be the name of a namespace` });
}
