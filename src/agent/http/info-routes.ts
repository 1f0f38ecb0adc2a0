import { z } from "zod";
import { boardSpec } from "../../core/schema/board.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { AgentInfo } from "../../core/wire/agent-info.ts";
import type { HttpApp } from "../../http/server.ts";
import type { AgentParts } from "../agent-parts.ts";

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
  app.post("/v1/boards/check", { schema: { body: checkBody } }, async ({ body }) =>
    emulators.check(body.boardName, body.board),
  );
}
