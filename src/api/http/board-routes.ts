import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { type Board, board } from "../../core/schema/board.ts";
import { objectName } from "../../core/schema/metadata.ts";
import { type BoardStatus, boardStatus } from "../../core/wire/farm.ts";
import type { BoardAvailability } from "../board/board-availability.ts";
import type { RouteContext } from "./api-server.ts";

const tags = ["boards"];
const params = z.object({ name: objectName });
/** A name that does not exist may be anything: it gets the nearest one for an answer. */
const anyName = z.object({ name: z.string().min(1).max(200) });

export async function addBoardRoutes({ app, boards, availability, agents }: RouteContext): Promise<void> {
  app.get(
    "/v1/boards",
    { schema: { tags, summary: "Boards, and whether they can run here", response: { 200: z.array(boardStatus) } } },
    () => Promise.all(boards.list().map((one) => statusOf(one, availability, [...agents.keys()]))),
  );
  app.get(
    "/v1/boards/:name",
    { schema: { tags, summary: "A board", params: anyName, response: { 200: boardStatus } } },
    ({ params: { name } }) => statusOf(boards.get(name), availability, [...agents.keys()]),
  );
  app.put(
    "/v1/boards/:name",
    { schema: { tags, summary: "Add or replace a board", params, body: board, response: { 200: boardStatus } } },
    async ({ params: { name }, body }) => {
      if (body.metadata.name !== name) {
        const problems = `body.metadata.name: is ${body.metadata.name}, the path says ${name}`;
        throw new FarmError("InvalidRequest", { problems });
      }
      await boards.put(body);
      return await statusOf(body, availability, [...agents.keys()]);
    },
  );
  app.delete(
    "/v1/boards/:name",
    { schema: { tags, summary: "Remove a board that was added; runs that have it go on", params: anyName } },
    async ({ params: { name } }, reply) => {
      await boards.remove(name);
      return reply.code(204).send();
    },
  );
}

async function statusOf(
  { metadata: { name }, spec }: Board,
  availability: BoardAvailability,
  agents: readonly string[],
): Promise<BoardStatus> {
  const answer = await availability.check(name, spec);
  if (answer.isAvailable) {
    const { binary, version } = answer.emulator;
    return { name, spec, isAvailable: true, emulator: { binary, version, accelerator: answer.accelerator } };
  }
  if (answer.isAvailable === false) return { name, spec, isAvailable: false, error: answer.error };
  const agent = agents.length === 0 ? "(none)" : agents.join(", ");
  const error = new FarmError("AgentLost", { agent, detail: "no agent answers, so nothing can run now" });
  return { name, spec, isAvailable: false, error: error.toBody() };
}
