import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EscapeKeys } from "../../../src/cli/screen/keyboard.ts";

function typed(...pieces: number[][]): { bytes: number[]; isEnd: boolean } {
  const keys = new EscapeKeys();
  const bytes: number[] = [];
  for (const piece of pieces) {
    const read = keys.read(Uint8Array.from(piece));
    bytes.push(...read.bytes);
    if (read.isEnd) return { bytes, isEnd: true };
  }
  return { bytes, isEnd: false };
}

describe("the escape key", () => {
  it("ends with Ctrl-A x, what was typed before goes through", () => {
    expect(typed([0x68, 0x01, 0x78, 0x69])).toEqual({ bytes: [0x68], isEnd: true });
  });

  it("is found across pieces", () => {
    expect(typed([0x01], [0x78])).toEqual({ bytes: [], isEnd: true });
  });

  it("sends one Ctrl-A for two", () => {
    expect(typed([0x01, 0x01, 0x78])).toEqual({ bytes: [0x01, 0x78], isEnd: false });
  });

  it("passes Ctrl-A and another key through", () => {
    expect(typed([0x01, 0x65])).toEqual({ bytes: [0x01, 0x65], isEnd: false });
  });

  it("changes no byte where Ctrl-A is not typed", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 2, max: 255 }))), (pieces) => {
        expect(typed(...pieces)).toEqual({ bytes: pieces.flat(), isEnd: false });
      }),
    );
  });
});
