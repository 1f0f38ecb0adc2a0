/** Width of a character whose last bytes have not come yet. */
export const INCOMPLETE = 0;
const INVALID = { codePoint: 0xfffd, width: 1 };

/**
 * The character at a place in UTF-8 bytes. A byte that does not begin a valid one is U+FFFD of width 1; one that may
 * become valid with bytes that are still to come has the width INCOMPLETE.
 */
export function decodeRune(bytes: Uint8Array, at: number): { codePoint: number; width: number } {
  const lead = bytes[at] as number;
  if (lead < 0x80) return { codePoint: lead, width: 1 };
  const width =
    lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 1;
  if (width === 1) return INVALID;
  let codePoint = lead & (0xff >> (width + 1));
  for (let next = 1; next < width; next += 1) {
    const byte = bytes[at + next];
    if (byte === undefined) return { codePoint: 0xfffd, width: INCOMPLETE };
    const [low, high] = next === 1 ? secondByteRange(lead) : [0x80, 0xbf];
    if (byte < low || byte > high) return INVALID;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  return { codePoint, width };
}

/** Excludes what is too long for its code point, surrogates, and code points above U+10FFFF. */
function secondByteRange(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}
