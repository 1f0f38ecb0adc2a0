import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";

/** When the operator dies: instead of its n-th write, or right after it, before it hears of it. */
export interface DeathPoint {
  readonly write: number;
  readonly phase: "before" | "after";
}

/** Stands between an operator and the API server, and kills the operator at a write. */
export interface KillingProxy extends AsyncDisposable {
  readonly url: string;
  /** What was written since `arm`, in order. */
  readonly writes: readonly string[];
  /** True once the write has come at which the operator dies. */
  readonly hasStruck: boolean;
  arm(point: DeathPoint | undefined, kill: () => void): void;
}

/**
 * Leases and events are no part of what an instance is; nor is what each term of an operator writes of its own: the keys
 * and policies of its namespaces, and what agents say of boards.
 */
const UNCOUNTED = /\/(leases|events|configmaps|networkpolicies|(cluster)?boards)(\/|\?|$)/;

export async function startKillingProxy(target: string, authority: string): Promise<KillingProxy> {
  let writes: string[] = [];
  let point: DeathPoint | undefined;
  let hasStruck = false;
  let kill = () => {};
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/" } = incoming;
    const isWrite = method !== "GET" && !UNCOUNTED.test(url);
    if (isWrite) writes.push(`${method} ${url.split("?", 1)[0] ?? ""}`);
    const isIt = isWrite && !hasStruck && writes.length === point?.write;
    if (isIt) hasStruck = true;
    if (isIt && point?.phase === "before") {
      kill();
      incoming.socket.destroy();
      return;
    }
    const isLast = isIt && point?.phase === "after";
    forward(target, authority, incoming, isLast ? undefined : outgoing, () => {
      if (!isLast) return;
      kill();
      incoming.socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get writes() {
      return writes;
    },
    get hasStruck() {
      return hasStruck;
    },
    arm(next, how) {
      writes = [];
      hasStruck = false;
      point = next;
      kill = how;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Without an answer for the caller, the request is carried out all the same. */
function forward(
  target: string,
  authority: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse | undefined,
  onDone: () => void,
): void {
  const { method, headers } = incoming;
  const url = new URL(incoming.url ?? "/", target);
  const onward = request(url, { method, headers: { ...headers, host: url.host }, ca: authority }, (answer) => {
    outgoing?.writeHead(answer.statusCode ?? 502, answer.headers);
    if (outgoing) answer.pipe(outgoing);
    else answer.resume();
    answer.once("end", onDone);
    answer.once("error", () => outgoing?.destroy());
  });
  onward.on("error", () => outgoing?.destroy());
  outgoing?.once("close", () => onward.destroy());
  incoming.pipe(onward);
}
