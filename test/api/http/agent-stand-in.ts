import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { type WebSocket, WebSocketServer } from "ws";
import type { BoardCheck } from "../../../src/core/wire/agent-info.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";

/** The part of an agent that the API speaks to, for what a real one cannot be made to do on the spot. */
export interface AgentStandIn extends AsyncDisposable {
  readonly address: string;
  agentId: string;
  check: (boardName: string) => BoardCheck;
  checks: number;
  /** Offset and answer of each follower of a log. */
  readonly followers: { readonly offset: number; readonly answer: ServerResponse }[];
  /** Settles with the next follower. */
  nextFollower(): Promise<{ readonly offset: number; readonly answer: ServerResponse }>;
  onConsole: (socket: WebSocket, path: string) => void;
  /** What is asked of channels, logs apart. */
  onRequest: (request: IncomingMessage, answer: ServerResponse) => void | Promise<void>;
  /** Status and body that an upgrade is refused with. */
  refusal: { readonly status: number; readonly body: unknown } | undefined;
}

export const AVAILABLE: BoardCheck = {
  isAvailable: true,
  accelerator: "tcg",
  emulator: {
    binary: "qemu-system-arm",
    path: "/usr/bin/qemu-system-arm",
    version: "7.2.0",
    sha256: "0".repeat(64),
    machines: [],
    accelerators: ["tcg"],
    hasSandbox: true,
  },
};

export async function startAgentStandIn(): Promise<AgentStandIn> {
  const folder = await createTemporaryFolder();
  const socketPath = join(folder.path, "a.sock");
  let follower = Promise.withResolvers<{ offset: number; answer: ServerResponse }>();
  const server = createServer((request, answer) => {
    const url = new URL(request.url ?? "/", "http://agent");
    if (url.pathname === "/v1/info") return void answer.end(JSON.stringify({ agentId: agent.agentId }));
    if (url.pathname === "/v1/boards/check") {
      let body = "";
      request.on("data", (chunk) => {
        body += String(chunk);
      });
      request.on("end", () => {
        agent.checks += 1;
        answer.end(JSON.stringify(agent.check((JSON.parse(body) as { boardName: string }).boardName)));
      });
      return;
    }
    if (!url.pathname.endsWith("/log")) return void agent.onRequest(request, answer);
    answer.flushHeaders();
    const next = { offset: Number(url.searchParams.get("offset")), answer };
    agent.followers.push(next);
    follower.resolve(next);
  });
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, connection, head) => {
    if (!agent.refusal) {
      sockets.handleUpgrade(request, connection, head, (socket) => agent.onConsole(socket, request.url ?? ""));
      return;
    }
    const body = JSON.stringify(agent.refusal.body);
    connection.end(`HTTP/1.1 ${agent.refusal.status} No\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  const agent: AgentStandIn = {
    address: `unix:${socketPath}`,
    agentId: "agent-1",
    check: () => AVAILABLE,
    checks: 0,
    followers: [],
    async nextFollower() {
      const next = await follower.promise;
      follower = Promise.withResolvers();
      return next;
    },
    onConsole: () => {},
    onRequest: (_request, answer) => void answer.writeHead(404).end("{}"),
    refusal: undefined,
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await folder[Symbol.asyncDispose]();
    },
  };
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return agent;
}
