import { z } from "zod";
import { boardSpec } from "../../core/schema/board.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { AgentInfo } from "../../core/wire/agent-info.ts";
import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

/** Renewed by whoever wants it; it ends by itself when nobody does any more. */
const cordonBody = z.strictObject({ forMs: z.number().int().min(0).max(600_000) });
const checkBody = z.strictObject({ boardName: objectName, board: boardSpec });

export function addInfoRoutes(app: HttpApp, parts: AgentParts): void {
  const { agentId, attempts, slots, emulators, slotIsolation, version } = parts;
  app.get(
    "/v1/info",
    async (): Promise<AgentInfo> => ({
      agentId,
      version,
      slots: slots.slots,
      freeSlots: slots.freeSlots,
      isDraining: slots.isDraining,
      epoch: attempts.epoch,
      slotIsolation,
    }),
  );
  app.post("/v1/cordon", { schema: { body: cordonBody } }, async ({ body }, reply) => {
    slots.cordon(body.forMs);
    return reply.code(204).send();
  });
  app.post("/v1/boards/check", { schema: { body: checkBody } }, async ({ body }) =>
    emulators.check(body.boardName, body.board),
  );
}
