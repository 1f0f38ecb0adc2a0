import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { text } from "node:stream/consumers";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { agentServerName } from "../../src/client/agent-identity.ts";
import type { DesiredState, InstanceStatus } from "../../src/core/wire/desired-state.ts";

const HEARTBEAT_MS = 15_000;

interface StandInAgent {
  readonly context: SecureContext;
  readonly certificate: string;
  readonly streams: Set<ServerResponse>;
  instance: InstanceStatus | undefined;
}

/**
 * Any number of agents, each at an address of its own in 127.0.0.0/8, in one process: they say at once that what is
 * desired is so. Which agent is meant is told by the name that the caller asks for in TLS, as in a pod.
 */
export class StandInAgents implements AsyncDisposable {
  readonly #agents = new Map<string, StandInAgent>();
  readonly #server: Server;
  readonly #heartbeat: NodeJS.Timeout;

  private constructor() {
    this.#server = createServer(
      {
        SNICallback: (name, done) => {
          const agent = this.#agents.get(name);
          done(agent ? null : new Error(`there is no agent ${name}`), agent?.context);
        },
      },
      (request, response) => {
        const agent = this.#agents.get(String((request.socket as TLSSocket).servername));
        if (!agent) return void response.destroy();
        if (request.url === "/v1/events") return this.#follow(agent, response);
        if (request.method === "PUT") {
          void text(request).then((body) => this.#take(agent, JSON.parse(body) as DesiredState, response));
          return undefined;
        }
        return void response.writeHead(204).end();
      },
    );
    this.#heartbeat = setInterval(() => {
      for (const { streams } of this.#agents.values()) for (const stream of streams) stream.write("\n");
    }, HEARTBEAT_MS);
  }

  /** @param port the one at which every agent listens */
  static async listen(port: number): Promise<StandInAgents> {
    const agents = new StandInAgents();
    agents.#server.listen({ host: "0.0.0.0", port, backlog: 4_096 });
    await once(agents.#server, "listening");
    return agents;
  }

  /** The agent of a pod, with what its Secret holds. */
  add(podUid: string, { key, certificate }: { readonly key: string; readonly certificate: string }): void {
    this.#agents.set(agentServerName(podUid), {
      context: createSecureContext({ key, cert: certificate }),
      certificate,
      streams: new Set(),
      instance: undefined,
    });
  }

  remove(podUid: string): void {
    const name = agentServerName(podUid);
    for (const stream of this.#agents.get(name)?.streams ?? []) stream.destroy();
    this.#agents.delete(name);
  }

  /** Event streams that are open now. */
  get streams(): number {
    let count = 0;
    for (const { streams } of this.#agents.values()) count += streams.size;
    return count;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #follow(agent: StandInAgent, response: ServerResponse): void {
    agent.streams.add(response);
    response.on("close", () => agent.streams.delete(response));
    const { certificate, instance } = agent;
    const instances = instance ? [instance] : [];
    const hello = { type: "hello", agentId: "stand-in", slots: 1, freeSlots: 1 - instances.length, isDraining: false };
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify({ ...hello, attempts: [], instances, certificate })}\n`);
  }

  #take(agent: StandInAgent, desired: DesiredState, response: ServerResponse): void {
    const { uid, generation, revision, digest, power, isPaused } = desired;
    const instance: InstanceStatus = {
      uid,
      generation,
      revision,
      ...(digest !== undefined && { digest }),
      phase: power === "Off" ? "PoweredOff" : isPaused ? "Paused" : "Running",
      isReady: true,
      boots: 1,
      restarts: 0,
      endpoints: [],
      isFirmwareLoaded: true,
    };
    agent.instance = instance;
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(instance));
    for (const stream of agent.streams) stream.write(`${JSON.stringify({ type: "instance", instance })}\n`);
  }
}
