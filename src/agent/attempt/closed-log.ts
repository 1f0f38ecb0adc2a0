import { type FileHandle, open, stat } from "node:fs/promises";

/** Where a part of a log lies: bytes of the output from `start` to `end` are in the file from `at` on. */
interface Part {
  readonly path: string;
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

const PIECE_BYTES = 64 * 1024;

/** Size of a log on disk that was closed, or left by an agent that was killed. */
export interface ClosedLogSize {
  /** Bytes that the guest wrote, as far as the files tell. */
  readonly bytes: number;
  readonly keptBytes: number;
}

/**
 * Reads the files that `UartLog` left: the first part under its path, the last part in two files that take turns.
 * @param totalBytes bytes that the guest wrote, where it is known; else it is told from the files.
 */
export async function* readClosedLog(
  path: string,
  partBytes: number,
  offset: number,
  totalBytes?: number,
): AsyncGenerator<Buffer> {
  let position = offset;
  for (const part of await partsOf(path, partBytes, totalBytes)) {
    if (position >= part.end) continue;
    if (position < part.start) {
      yield Buffer.from(`\n[emufarm: ${part.start - position} bytes are missing here]\n`);
      position = part.start;
    }
    const file = await open(part.path, "r");
    try {
      for await (const piece of pieces(file, part.at + position - part.start, part.at + part.end - part.start)) {
        position += piece.length;
        yield piece;
      }
    } finally {
      await file.close();
    }
  }
}

export async function closedLogSize(path: string, partBytes: number): Promise<ClosedLogSize> {
  const parts = await partsOf(path, partBytes);
  const last = parts.at(-1);
  return {
    bytes: last?.end ?? 0,
    keptBytes: parts.reduce((sum, part) => sum + part.end - part.start, 0),
  };
}

/** In the order of the output. */
async function partsOf(path: string, partBytes: number, totalBytes?: number): Promise<Part[]> {
  const sizes = await Promise.all([path, `${path}.tail-a`, `${path}.tail-b`].map(sizeOf));
  const [headLength = 0, ...tailLengths] = sizes;
  const tails = tailLengths.map((length, index) => ({ path: `${path}.tail-${index === 0 ? "a" : "b"}`, length }));
  // The tail that is written to has room left; the other one is full, or was never begun.
  const ordered = tails.filter((tail) => tail.length > 0).toSorted((one, other) => other.length - one.length);
  const tailBytes = ordered.reduce((sum, tail) => sum + tail.length, 0);
  const end = totalBytes ?? headLength + tailBytes;
  // Of the last part as much is shown as the live log showed.
  const oldest = Math.max(headLength, end - partBytes);
  let start = Math.max(headLength, end - tailBytes);
  const parts: Part[] = headLength > 0 ? [{ path, at: 0, start: 0, end: headLength }] : [];
  for (const tail of ordered) {
    const skipped = Math.min(tail.length, Math.max(0, oldest - start));
    const part = { path: tail.path, at: skipped, start: start + skipped, end: start + tail.length };
    if (part.end > part.start) parts.push(part);
    start = part.end;
  }
  return parts;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    // A part that the output never reached.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

async function* pieces(file: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end; ) {
    const { buffer, bytesRead } = await file.read(
      Buffer.allocUnsafe(PIECE_BYTES),
      0,
      Math.min(PIECE_BYTES, end - at),
      at,
    );
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
