import { createReadStream } from "node:fs";
import { FarmError } from "../../core/error/farm-error.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import { whenStarted } from "../guest/running-boot.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

/** The image that a board runs, for debuggers that look for its symbols. */
export function addImageRoutes({ app, closing }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(`${path}/:id/firmware`, { schema: { params: ownerParams } }, async ({ params }, reply) => {
    const { guest } = owner(params.id);
    await whenStarted(guest, "its firmware");
    const { firmware } = guest;
    if (!firmware) throw new FarmError("NotFound", { kind: "firmware", name: "on this board" });
    return streamAnswer(reply, "application/octet-stream", closing, (signal) =>
      createReadStream(firmware.image, { signal }),
    );
  });
}
