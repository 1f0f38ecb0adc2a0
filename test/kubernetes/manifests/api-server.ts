import { Agent, request } from "undici";
import { CUSTOM_RESOURCES } from "../../../src/core/kubernetes/custom-resources.ts";
import type { ControlPlane } from "../../cluster/control-plane.ts";
import type { Manifest } from "./manifest-builders.ts";

export interface Answer {
  readonly code: number;
  /** The object, or the server's Status. */
  readonly body: Manifest & { readonly message?: string };
}

/** Requests as kubectl makes them: fields that there are not are refused. */
export interface ApiServer extends AsyncDisposable {
  create(manifest: Manifest, options?: { readonly isDryRun?: boolean }): Promise<Answer>;
  change(manifest: Manifest): Promise<Answer>;
  delete(manifest: Manifest): Promise<Answer>;
}

export function apiServer({ url, authority, token }: ControlPlane): ApiServer {
  const dispatcher = new Agent({ connect: { ca: authority } });
  const send = async (method: "POST" | "PATCH" | "DELETE", path: string, body?: Manifest): Promise<Answer> => {
    const contentType = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const headers = { authorization: `Bearer ${token}`, "content-type": contentType };
    const answer = await request(`${url}${path}`, {
      method,
      dispatcher,
      headers,
      body: body ? JSON.stringify(body) : null,
    });
    return { code: answer.statusCode, body: (await answer.body.json()) as Answer["body"] };
  };
  return {
    create: (manifest, { isDryRun = false } = {}) => {
      return send("POST", `${pathOf(manifest)}?fieldValidation=Strict${isDryRun ? "&dryRun=All" : ""}`, manifest);
    },
    change: (manifest) => {
      return send("PATCH", `${pathOf(manifest)}/${manifest.metadata.name}?fieldValidation=Strict`, manifest);
    },
    delete: (manifest) => send("DELETE", `${pathOf(manifest)}/${manifest.metadata.name}`),
    [Symbol.asyncDispose]: () => dispatcher.close(),
  };
}

function pathOf({ kind, apiVersion }: Manifest): string {
  const resource = CUSTOM_RESOURCES.find((one) => one.kind === kind);
  if (!resource) throw new Error(`no kind ${kind}`);
  return `/apis/${apiVersion}/${resource.isNamespaced ? "namespaces/default/" : ""}${resource.plural}`;
}
