import { expect, test } from "vitest";
import { NoticeTexts } from "../../../src/cli/console/notice-text.ts";

test("a person is told who writes, once what was not taken, and when the board comes and goes", () => {
  const texts = new NoticeTexts("Ctrl-A t");
  const refused = { type: "inputRefused", bytes: 1, reason: "writer" } as const;
  expect(texts.textOf({ type: "boot", boot: 1 })).toBeUndefined();
  expect(texts.textOf({ type: "writer", writer: "ann@desk", isYou: false })).toBe(
    "ann@desk writes: you read only; Ctrl-A t takes the pen",
  );
  expect(texts.textOf(refused)).toBe("a byte was not taken: somebody else writes");
  expect(texts.textOf(refused)).toBeUndefined();
  expect(texts.textOf({ type: "writer", writer: "me@here", isYou: true })).toBeUndefined();
  expect(texts.textOf({ type: "writer", writer: "ann@desk", isYou: false })).toBe("ann@desk has taken the pen");
  expect(texts.textOf(refused)).toBe("a byte was not taken: somebody else writes");
  expect(texts.textOf({ type: "writer", writer: null, isYou: false })).toBe(
    "the pen is free: whoever types next writes",
  );
  expect(texts.textOf({ type: "off" })).toBe("the board is off; the console stays");
  expect(texts.textOf({ type: "inputRefused", bytes: 5, reason: "off" })).toBe(
    "5 bytes were not taken: the board is off",
  );
  expect(texts.textOf({ type: "boot", boot: 2 })).toBe("the board is on: boot 2");
  expect(texts.textOf({ type: "gap", bytes: 7 })).toBe("7 bytes are left out here");
});
