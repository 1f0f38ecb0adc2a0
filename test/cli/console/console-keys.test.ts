import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConsoleKeys, type Typed } from "../../../src/cli/console/console-keys.ts";
import { parseEscapeKey } from "../../../src/cli/console/escape-key.ts";

/** What was typed, input as text. */
function read(keys: ConsoleKeys, ...pieces: string[]): (string | Exclude<Typed, { type: "input" }>)[] {
  return pieces
    .flatMap((piece) => keys.read(Buffer.from(piece, "latin1")))
    .map((typed) => (typed.type === "input" ? Buffer.from(typed.bytes).toString("latin1") : typed));
}

describe("Keys at a console", () => {
  test.each([
    ["ab\x03", ["ab\x03"]],
    ["a\x01xb", ["a", { type: "detach" }, "b"]],
    ["\x01t\x01b\x01r\x01?", [{ type: "take" }, { type: "break" }, { type: "reset" }, { type: "help" }]],
    ["\x012", [{ type: "choose", place: 2 }]],
    ["\x01\x01", ["\x01"]],
    ["\x01z", ["\x01z"]],
  ])("%j means %j", (text, expected) => {
    expect(read(new ConsoleKeys(1), text)).toEqual(expected);
  });

  test("mean the same in any pieces", () => {
    const text = fc.array(fc.constantFrom("a", "\x01", "x", "t", "2", "\xff"), { maxLength: 30 });
    fc.assert(
      fc.property(text, (characters) => {
        const join = (typed: readonly unknown[]) => JSON.stringify(typed).replaceAll('","', "");
        expect(join(read(new ConsoleKeys(1), ...characters))).toBe(join(read(new ConsoleKeys(1), characters.join(""))));
      }),
    );
  });

  test("are all for the guest where none is kept", () => {
    expect(read(new ConsoleKeys(undefined), "\x01x~.")).toEqual(["\x01x~."]);
  });

  test.each([
    [undefined, { byte: 1, title: "Ctrl-A" }],
    ["ctrl-]", { byte: 0x1d, title: "Ctrl-]" }],
    ["^T", { byte: 0x14, title: "Ctrl-T" }],
    ["C-b", { byte: 2, title: "Ctrl-B" }],
    ["~", { byte: 0x7e, title: "~" }],
    ["none", undefined],
  ])("an escape key named %j is %o", (text, key) => {
    expect(parseEscapeKey(text)).toEqual(key);
  });

  test.each(["", "ctrl-", "ctrl-1", "ab", "ä"])("%j is no escape key", (text) => {
    expect(() => parseEscapeKey(text)).toThrow(/is no key/);
  });
});
