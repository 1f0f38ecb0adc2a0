import { importRecord, importRequest, MAX_INLINE_BYTES } from "../../core/wire/import.ts";
import type { RouteContext } from "./api-server.ts";

/** The bytes in base64, and a board. */
const IMPORT_LIMIT_BYTES = 2 * MAX_INLINE_BYTES;

export async function addImportRoutes({ app, importFirmware }: RouteContext): Promise<void> {
  app.post(
    "/v1/imports",
    {
      bodyLimit: IMPORT_LIMIT_BYTES,
      schema: {
        tags: ["firmware"],
        summary: "Bring firmware from a URL, the store or the request into the store",
        body: importRequest,
        response: { 200: importRecord },
      },
    },
    async ({ body }) => importFirmware(body),
  );
}
