import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { FarmError } from "../../core/error/farm-error.ts";

/** A display of 4096 by 4096 points: what is larger would hold up the agent. */
const MAX_POINTS = 4_096 * 4_096;
/** Places in a PNG: its first chunk, what tells how its points are ordered, and the end of its header. */
const SIGNATURE_BYTES = 8;
const INTERLACING = 28;
const HEADER_END = 33;
/** How much a point's colour may be off before it counts: what nobody sees. */
const COLOUR_THRESHOLD = 0.1;

/** How two pictures differ. */
export interface PictureDifference {
  /** Part of the points that differ, from 0 to 1. */
  readonly share: number;
  readonly points: number;
  /** Sizes, in words, where they are not the same. */
  readonly sizes?: string;
  /** What differs, in red, as PNG; undefined where nothing does, or sizes differ. */
  readonly picture?: Buffer;
}

/** Compares two PNGs point by point. @throws {FarmError} ScreenshotFailed for what is no PNG */
export function comparePictures(actual: Buffer, expected: Buffer): PictureDifference {
  if (actual.equals(expected)) return { share: 0, points: 0 };
  const [a, b] = [decode(actual, "the screenshot"), decode(expected, "the picture to compare with")];
  const { width, height } = a;
  if (width !== b.width || height !== b.height) {
    const sizes = `it is ${width} x ${height}, and ${b.width} x ${b.height} is expected`;
    return { share: 1, points: width * height, sizes };
  }
  const difference = new PNG({ width, height });
  const points = pixelmatch(a.data, b.data, difference.data, width, height, { threshold: COLOUR_THRESHOLD });
  if (points === 0) return { share: 0, points };
  return { share: points / (width * height), points, picture: PNG.sync.write(difference) };
}

function decode(bytes: Buffer, what: string): PNG {
  // The header stands at the same place in every PNG, and once: looked at before anything is unpacked.
  if (bytes.length > HEADER_END) {
    const points = bytes.readUInt32BE(16) * bytes.readUInt32BE(20);
    if (points > MAX_POINTS) throw failed(`${what} has more than 16 million points`);
    // Of one, its size does not say how much there is to unpack.
    if (bytes[INTERLACING] !== 0) throw failed(`${what} is an interlaced PNG: save it without interlacing`);
    if (headersIn(bytes) > 1) throw failed(`${what} is no PNG: it has two headers`);
  }
  try {
    return PNG.sync.read(bytes);
  } catch (cause) {
    throw failed(`${what} is no PNG: ${(cause as Error).message}`, cause);
  }
}

/** A chunk is its length, its name, so many bytes and a checksum. */
function headersIn(bytes: Buffer): number {
  let headers = 0;
  for (let at = SIGNATURE_BYTES; at + 8 <= bytes.length; at += bytes.readUInt32BE(at) + 12) {
    if (bytes.toString("latin1", at + 4, at + 8) === "IHDR") headers += 1;
  }
  return headers;
}

function failed(problem: string, cause?: unknown): FarmError {
  return new FarmError("ScreenshotFailed", { problem }, { cause });
}
