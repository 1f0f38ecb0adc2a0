import type { WatchEvent } from "./kube-client.ts";
import { errorOfStatus, KubeError } from "./kube-error.ts";
import type { KubeObject } from "./kube-object.ts";

const NEWLINE = 0x0a;
/** Far more than etcd keeps of an object. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;
const TYPES = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);

/**
 * The events in a watch's bytes.
 * @throws {KubeError} what the server says in the stream; `Unparsable` for a line that is no event, as one may be missing
 */
export async function* parseWatch<Kind extends KubeObject>(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent<Kind>> {
  // A line may come in very many chunks: they are joined once, at its end.
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
      if (line.length > 0) yield parseEvent<Kind>(line.toString());
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > LONGEST_LINE_BYTES) throw unparsable("a line without an end");
  }
  if (pending.length > 0) throw unparsable("the stream ended within a line");
}

function parseEvent<Kind extends KubeObject>(line: string): WatchEvent<Kind> {
  let event: { type?: unknown; object?: unknown };
  try {
    event = JSON.parse(line) ?? {};
  } catch (cause) {
    throw unparsable(line, cause);
  }
  const { type, object } = event;
  if (typeof object !== "object" || object === null) throw unparsable(line);
  if (type === "ERROR") throw errorOfStatus(500, object);
  const isWhole = typeof type === "string" && TYPES.has(type) && typeof versionOf(object) === "string";
  if (!isWhole) throw unparsable(line);
  return event as WatchEvent<Kind>;
}

function versionOf(object: object): unknown {
  const { metadata } = object as { metadata?: { resourceVersion?: unknown } };
  return metadata?.resourceVersion;
}

function unparsable(line: string, cause?: unknown): KubeError {
  const message = `a watch sent what is no event: ${line.slice(0, 200)}`;
  return new KubeError({ status: 200, reason: "Unparsable", message, cause });
}
