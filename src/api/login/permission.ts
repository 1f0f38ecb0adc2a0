import type { AskedRoute } from "../../http/trust.ts";

/** A right over things of the farm, as roles of the cluster give it. */
export interface Permission {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Undefined: of the whole cluster. */
  readonly namespace: string | undefined;
}

/** The right that a route takes, without a namespace; what it is about is looked up by it. */
export interface RouteRight extends Omit<Permission, "namespace"> {
  /** Where the namespace comes from: the request, the run that it names, or nowhere. */
  readonly of: "request" | "run" | "cluster";
}

const runs = (verb: string, of: RouteRight["of"] = "request"): RouteRight => ({ verb, resource: "runs", of });
const channels: RouteRight = { verb: "create", resource: "runs", subresource: "channels", of: "run" };

const RIGHTS: Readonly<Record<string, RouteRight>> = {
  "POST /v1/runs": runs("create"),
  "POST /v1/jobs": runs("create"),
  "GET /v1/runs": runs("list"),
  "GET /v1/runs/:id": runs("get", "run"),
  "GET /v1/runs/:id/jobs": runs("get", "run"),
  "GET /v1/runs/:id/events": runs("get", "run"),
  "GET /v1/runs/:id/junit": runs("get", "run"),
  "GET /v1/runs/:id/report": runs("get", "run"),
  "POST /v1/runs/:id/cancel": runs("update", "run"),
  "GET /v1/jobs/:id": runs("get", "run"),
  "GET /v1/jobs/:id/logs/:uart": runs("get", "run"),
  "GET /v1/jobs/:id/artifacts/:name": runs("get", "run"),
  "POST /v1/jobs/:id/cancel": runs("update", "run"),
  "PUT /v1/firmware/:sha256": runs("create"),
  "POST /v1/firmware": runs("create"),
  "POST /v1/imports": runs("create"),
  "GET /v1/firmware/:sha256": runs("create"),
  "GET /v1/boards": runs("list"),
  "GET /v1/boards/:name": runs("list"),
  "PUT /v1/boards/:name": { verb: "update", resource: "clusterboards", of: "cluster" },
  "DELETE /v1/boards/:name": { verb: "delete", resource: "clusterboards", of: "cluster" },
  "POST /v1/agent-tokens": { verb: "create", resource: "emulatorinstances", subresource: "channels", of: "request" },
};

/** What everybody may see whom the cluster knows: the status page, and what the API is. */
const PAGES = new Set(["/", "/reference", "/reference/*", "/openapi.json", "/schemas/:name", "/schemas/*"]);
const JOB_CHANNEL = /^\/v1\/jobs\/:\w+\/./;

/** The right that a route takes; "anybody" whom the cluster knows; undefined: it is nobody's. */
export function rightOf({ method, route }: AskedRoute): RouteRight | "anybody" | undefined {
  // What is not there is told as such.
  if (route === undefined || PAGES.has(route)) return "anybody";
  return RIGHTS[`${method} ${route}`] ?? (JOB_CHANNEL.test(route) ? channels : undefined);
}

/** As people say it. */
export function rightInWords({ verb, resource, subresource, namespace }: Permission): string {
  const what = `${resource}${subresource === undefined ? "" : `/${subresource}`}.emufarm.dev`;
  return `${verb} ${what}${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
}
