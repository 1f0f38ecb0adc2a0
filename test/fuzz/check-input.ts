import { isDeepStrictEqual } from "node:util";
import type { Codec } from "./codec.ts";
import { Random } from "./random.ts";

/** Inputs up to this length are also read byte by byte. */
const MAX_SINGLE_BYTES = 4_096;
const LONGEST_PIECE = 40;
const NETWORK_PIECE = 64 * 1024;

/** What a codec does with an input that it must not do. */
export class CodecFault extends Error {}

/**
 * Whether a codec reads an input as it must, whole and in pieces.
 * @throws {CodecFault}
 */
export async function checkInput(codec: Codec, input: Buffer, seed: number): Promise<void> {
  const whole = await outcomeOf(codec, [input]);
  if (!codec.isStream) return;
  const random = new Random(seed);
  await expectSame(
    codec,
    whole,
    piecesOf(input, () => 1 + random.below(LONGEST_PIECE)),
    "in pieces",
  );
  if (input.length <= MAX_SINGLE_BYTES)
    await expectSame(
      codec,
      whole,
      piecesOf(input, () => 1),
      "byte by byte",
    );
}

/** Reads an input again and again up to this length, as a network brings it. @throws {CodecFault} */
export async function flood(codec: Codec, input: Buffer, bytes: number): Promise<void> {
  if (input.length === 0) return;
  await outcomeOf(codec, codec.isStream ? floodOf(input, bytes) : [Buffer.alloc(bytes, input)]);
}

async function outcomeOf(codec: Codec, pieces: Iterable<Buffer>): Promise<unknown> {
  try {
    return { read: await codec.read(pieces) };
  } catch (cause) {
    if (codec.refusals.some((refusal) => cause instanceof refusal)) return { refused: (cause as Error).name };
    throw new CodecFault(`${codec.name} threw ${(cause as Error)?.stack ?? String(cause)}`, { cause });
  }
}

async function expectSame(codec: Codec, whole: unknown, pieces: readonly Buffer[], how: string): Promise<void> {
  const cut = await outcomeOf(codec, pieces);
  if (isDeepStrictEqual(cut, whole)) return;
  const [one, other] = [JSON.stringify(whole), JSON.stringify(cut)].map((text) => text.slice(0, 2_000));
  throw new CodecFault(`${codec.name} reads ${how} (${pieces.length}) something else: ${other} and not ${one}`);
}

function piecesOf(input: Buffer, sizeOf: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; at += pieces.at(-1)?.length ?? 1) {
    pieces.push(Buffer.from(input.subarray(at, at + sizeOf())));
  }
  return pieces;
}

function* floodOf(input: Buffer, bytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(Math.max(input.length, NETWORK_PIECE - (NETWORK_PIECE % input.length)), input);
  for (let sent = 0; sent < bytes; sent += piece.length) yield Buffer.from(piece);
}
