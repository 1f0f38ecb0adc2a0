import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import type { AgentParts } from "../agent-parts.ts";

/** An empty line at least this often: a follower takes a longer silence for the agent's end. */
const HEARTBEAT_MS = 15_000;
/** A follower that is this far behind is let go; it gets everything anew when it comes back. */
const MAX_BACKLOG_EVENTS = 10_000;

export function addEventRoutes({ app, closing }: HttpServer, parts: AgentParts): void {
  app.get("/v1/events", (_request, reply) =>
    streamAnswer(reply, "application/x-ndjson", closing, (signal) => eventLines(parts, signal)),
  );
}

/** `hello` and the listening begin in one turn of the event loop: nothing can fall between. */
async function* eventLines(
  { agentId, attempts, slots, events }: AgentParts,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let pending: string[] = [];
  let changed = Promise.withResolvers<void>();
  const push = (event: AgentEvent) => {
    pending.push(JSON.stringify(event));
    changed.resolve();
  };
  const wake = () => changed.resolve();
  push({
    type: "hello",
    agentId,
    slots: slots.slots,
    freeSlots: slots.freeSlots,
    isDraining: slots.isDraining,
    attempts: attempts.list(),
  });
  const stop = events.on(push);
  const heartbeat = setInterval(() => {
    pending.push("");
    changed.resolve();
  }, HEARTBEAT_MS);
  signal.addEventListener("abort", wake);
  try {
    while (!signal.aborted && pending.length < MAX_BACKLOG_EVENTS) {
      const lines = pending;
      pending = [];
      changed = Promise.withResolvers<void>();
      if (lines.length > 0) yield lines.map((line) => `${line}\n`).join("");
      if (pending.length === 0) await changed.promise;
    }
  } finally {
    stop();
    clearInterval(heartbeat);
    signal.removeEventListener("abort", wake);
  }
}
