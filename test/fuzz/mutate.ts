import type { Random } from "./random.ts";

const NOTABLE_BYTES = [
  0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x24, 0x2c, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d, 0x7f, 0x80, 0xc3, 0xf0, 0xfa, 0xff,
];
const NOTABLE_NUMBERS = [
  0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
];
const MAX_CHANGES = 5;

type Change = (input: Buffer, random: Random, other: Buffer) => Buffer;

const CHANGES: readonly Change[] = [
  function flipBit(input, random) {
    const changed = Buffer.from(input);
    const at = random.below(changed.length);
    if (changed.length > 0) changed[at] = (changed[at] as number) ^ (1 << random.below(8));
    return changed;
  },
  function setByte(input, random) {
    const changed = Buffer.from(input);
    if (changed.length > 0) changed[random.below(changed.length)] = byteOf(random);
    return changed;
  },
  function setNumber(input, random) {
    const changed = Buffer.from(input);
    const bytes = random.pick([2, 4]);
    if (changed.length < bytes) return changed;
    const at = random.below(changed.length - bytes + 1);
    const number = random.pick(NOTABLE_NUMBERS) % 2 ** (8 * bytes);
    if (random.below(2) === 0) changed.writeUIntLE(number, at, bytes);
    else changed.writeUIntBE(number, at, bytes);
    return changed;
  },
  function insertBytes(input, random) {
    const bytes = Buffer.from(Array.from({ length: 1 + random.below(4) }, () => byteOf(random)));
    return spliced(input, random.below(input.length + 1), 0, bytes);
  },
  function leaveOut(input, random) {
    return spliced(input, random.below(input.length + 1), 1 + random.below(16), Buffer.alloc(0));
  },
  function cutOff(input, random) {
    return input.subarray(0, random.below(input.length + 1));
  },
  function repeat(input, random) {
    const { at, part } = partOf(input, random, 32);
    return spliced(input, at, 0, Buffer.alloc(part.length * (1 + random.below(40)), part));
  },
  function move(input, random) {
    const { part } = partOf(input, random, 64);
    return spliced(input, random.below(input.length + 1), random.below(2) * part.length, part);
  },
  function takeFromOther(input, random, other) {
    const { part } = partOf(other, random, 128);
    return spliced(input, random.below(input.length + 1), random.below(2) * part.length, part);
  },
  function changeDigits(input, random) {
    const text = input.toString("latin1");
    const numbers = [...text.matchAll(/\d+/g)];
    const found = numbers.length > 0 ? random.pick(numbers) : undefined;
    if (!found) return input;
    const number = random.pick(["0", "-1", "1e9", "0x10", "4294967296", "99999999999999999999", "0.5", ""]);
    return spliced(input, found.index, found[0].length, Buffer.from(number));
  },
];

/** The input with a few changes, at most so long. */
export function mutate(input: Buffer, other: Buffer, random: Random, maxBytes: number): Buffer {
  let changed = input;
  for (let count = 1 + random.below(MAX_CHANGES); count > 0; count -= 1) {
    changed = random.pick(CHANGES)(changed, random, other);
  }
  return changed.subarray(0, maxBytes);
}

function byteOf(random: Random): number {
  return random.below(2) === 0 ? random.pick(NOTABLE_BYTES) : random.below(256);
}

function partOf(input: Buffer, random: Random, maxBytes: number): { at: number; part: Buffer } {
  const at = random.below(input.length + 1);
  return { at, part: input.subarray(at, at + 1 + random.below(maxBytes)) };
}

function spliced(input: Buffer, at: number, removed: number, added: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), added, input.subarray(at + removed)]);
}
