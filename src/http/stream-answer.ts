import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FarmError } from "../core/error/farm-error.ts";

/** What of fastify's reply is needed, whatever the route's types. */
interface HijackableReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * Answers with bytes as they come, the headers at once. The source's signal aborts when the caller goes away, or when
 * `closing` does.
 */
export async function streamAnswer(
  reply: HijackableReply,
  contentType: string,
  closing: AbortSignal,
  source: (signal: AbortSignal) => AsyncIterable<Buffer | string>,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  const gone = new AbortController();
  const onGone = () => gone.abort(new FarmError("Cancelled", { reason: "the caller has gone" }));
  raw.once("close", onGone);
  closing.addEventListener("abort", onGone, { once: true });
  raw.writeHead(200, { "content-type": contentType, "cache-control": "no-store", "x-accel-buffering": "no" });
  raw.flushHeaders();
  try {
    await pipeline(Readable.from(source(gone.signal)), raw);
  } catch (error) {
    // Half an answer cannot be turned into an error any more: the cut connection tells.
    raw.destroy(error instanceof Error ? error : undefined);
  } finally {
    closing.removeEventListener("abort", onGone);
  }
}
