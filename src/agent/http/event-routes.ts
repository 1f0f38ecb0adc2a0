import { setImmediate as turnOver } from "node:timers/promises";
import { z } from "zod";
import type { AgentEvent } from "../../core/wire/agent-event.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import type { AgentParts } from "../agent-parts.ts";

/** An empty line at least this often: a follower takes a longer silence for the agent's end. */
const HEARTBEAT_MS = 15_000;
/** A follower that is this far behind is let go; it gets everything anew when it comes back. */
const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;

const ATTEMPT_EVENTS = new Set<AgentEvent["type"]>(["attemptRunning", "attemptReady", "attemptFinished"]);

const eventQuery = z.object({
  attempts: z.stringbool().default(true).describe("False leaves out attempts, whose results are large."),
});

export function addEventRoutes({ app, closing }: HttpServer, parts: AgentParts): void {
  app.get("/v1/events", { schema: { querystring: eventQuery } }, ({ query }, reply) =>
    streamAnswer(reply, "application/x-ndjson", closing, (signal) => eventLines(parts, query.attempts, signal)),
  );
}

/** `hello` and the listening begin in one turn of the event loop: nothing can fall between. */
async function* eventLines(
  { agentId, attempts, instances, slots, events, certificate }: AgentParts,
  hasAttempts: boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let pending: string[] = [];
  let pendingBytes = 0;
  let isTooFarBehind = false;
  let changed = Promise.withResolvers<void>();
  const push = (event: AgentEvent) => {
    if (isTooFarBehind || (!hasAttempts && ATTEMPT_EVENTS.has(event.type))) return;
    const line = JSON.stringify(event);
    pending.push(line);
    pendingBytes += Buffer.byteLength(line);
    // What came first may be of any length: it is all that the follower waits for.
    if (pending.length > 1 && pendingBytes > MAX_BACKLOG_BYTES) {
      isTooFarBehind = true;
      pending = [];
    }
    changed.resolve();
  };
  const wake = () => changed.resolve();
  push({
    type: "hello",
    agentId,
    slots: slots.slots,
    freeSlots: slots.freeSlots,
    isDraining: slots.isDraining,
    attempts: hasAttempts ? attempts.list() : [],
    instances: instances.list(),
    ...(certificate && { certificate: certificate.identity.certificate }),
  });
  const stop = events.on(push);
  const heartbeat = setInterval(() => {
    pending.push("");
    changed.resolve();
  }, HEARTBEAT_MS);
  signal.addEventListener("abort", wake);
  try {
    while (!isTooFarBehind) {
      const lines = pending;
      pending = [];
      pendingBytes = 0;
      changed = Promise.withResolvers<void>();
      if (lines.length > 0) yield lines.map((line) => `${line}\n`).join("");
      if (pending.length > 0) continue;
      // Only now: what came before the end is told, too.
      if (signal.aborted) return;
      await changed.promise;
      // What happens in one turn of the event loop is told together: each piece wakes the follower.
      await turnOver();
    }
  } finally {
    stop();
    clearInterval(heartbeat);
    signal.removeEventListener("abort", wake);
  }
}
