import type { Readable } from "node:stream";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { sha256 } from "../../core/schema/metadata.ts";
import { firmwareRecord } from "../../core/wire/farm.ts";
import { acceptBytes } from "../../http/bytes-body.ts";
import type { HttpApp } from "../../http/server.ts";
import type { RouteContext } from "./api-server.ts";

const digestParams = z.object({ sha256 });
/** 201 where the store did not have it. */
const stored = { 200: firmwareRecord, 201: firmwareRecord };
const MAX_FIRMWARE_BYTES = 2 * 1024 * 1024 * 1024;

export async function addFirmwareRoutes(context: RouteContext): Promise<void> {
  const { app, firmware } = context;
  const tags = ["firmware"];

  app.get(
    "/v1/firmware/:sha256",
    {
      schema: {
        tags,
        summary: "Whether the store has firmware",
        params: digestParams,
        response: { 200: firmwareRecord },
      },
    },
    async ({ params }) => {
      const record = await firmware.find(params.sha256);
      if (!record) throw new FarmError("FirmwareUnknown", { sha256: params.sha256 });
      return record;
    },
  );

  await app.register(async (bytesApp: HttpApp) => {
    acceptBytes(bytesApp);
    bytesApp.put(
      "/v1/firmware/:sha256",
      {
        bodyLimit: MAX_FIRMWARE_BYTES,
        schema: {
          tags,
          summary: "Upload firmware of this digest",
          params: digestParams,
          response: stored,
        },
      },
      async ({ params, body }, reply) => {
        const record = await firmware.receive(body as Readable, params.sha256);
        return reply.code(record.isNew ? 201 : 200).send(record);
      },
    );
    bytesApp.post(
      "/v1/firmware",
      {
        bodyLimit: MAX_FIRMWARE_BYTES,
        schema: { tags, summary: "Upload firmware", response: stored },
      },
      async ({ body }, reply) => {
        const record = await firmware.receive(body as Readable);
        return reply.code(record.isNew ? 201 : 200).send(record);
      },
    );
  });
  addBlobRoute(context);
}

/** For agents: the URL itself is the permission. */
function addBlobRoute({ app, store, blobs, clock }: RouteContext): void {
  app.get(
    "/v1/blobs/:sha256",
    {
      config: { isPublic: true },
      schema: {
        hide: true,
        params: digestParams,
        querystring: z.object({ expires: z.coerce.number().int(), signature: z.string() }),
      },
    },
    async ({ params, query }, reply) => {
      blobs.check(params.sha256, query.expires, query.signature, clock());
      const opened = await store.openFirmware(params.sha256);
      if (!opened) throw new FarmError("FirmwareUnknown", { sha256: params.sha256 });
      return reply.type("application/octet-stream").header("content-length", opened.sizeBytes).send(opened.bytes);
    },
  );
}
