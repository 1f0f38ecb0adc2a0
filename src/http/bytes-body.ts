import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { FarmError } from "../core/error/farm-error.ts";
import type { HttpApp } from "./server.ts";

/** Within this (encapsulated) app bodies are streams of bytes, whatever their type: `request.body` is a Readable. */
export function acceptBytes(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request: unknown, payload: IncomingMessage, done: BodyDone) => done(null, payload));
}

type BodyDone = (error: Error | null, body?: unknown) => void;

/**
 * Passes bytes on while counting and hashing them; at the end their SHA-256 must be the expected one.
 * @throws {FarmError} DigestMismatch, BodyTooLarge
 */
export async function* verifiedBytes(
  source: Readable | AsyncIterable<Buffer>,
  sha256: string,
  limitBytes: number,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new FarmError("BodyTooLarge", { limitBytes });
    hash.update(chunk);
    yield chunk;
  }
  const actual = hash.digest("hex");
  if (actual !== sha256) throw new FarmError("DigestMismatch", { actual, expected: sha256 });
}
