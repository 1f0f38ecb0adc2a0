import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { HttpServer } from "../../http/server.ts";
import { streamAnswer } from "../../http/stream-answer.ts";
import { type ChannelScope, ownerParams } from "./channel-scope.ts";

const storageParams = ownerParams.extend({ storage: objectName });

/** What the guest has written to its flash, fuses or card. */
export function addStorageRoutes({ app, closing }: HttpServer, { path, owner }: ChannelScope): void {
  app.get(`${path}/:id/storage/:storage`, { schema: { params: storageParams } }, ({ params }, reply) => {
    const { drives } = owner(params.id);
    const gone = new AbortController();
    const bytes = drives?.read(params.storage, gone.signal);
    if (!bytes) {
      const has = drives?.files.map(({ drive }) => drive.name).join(", ") || "none";
      throw new FarmError("NotFound", {
        kind: "storage",
        name: `${params.storage} that is kept; this board has ${has}`,
      });
    }
    return streamAnswer(reply, "application/octet-stream", closing, (signal) => {
      signal.addEventListener("abort", () => gone.abort(), { once: true });
      return bytes;
    });
  });
}
