import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { WriteStream } from "node:tty";
import { stripVTControlCharacters } from "node:util";
import { expect, it } from "vitest";
import { terminalSize } from "../../../src/cli/screen/terminal-size.ts";
import { RunState } from "../../../src/cli/test/run-state.ts";
import { tableView } from "../../../src/cli/test/table-view.ts";

it.each([
  ["tells 0 by 0", { columns: 0, rows: 0 }],
  ["does not tell its size", {}],
])("on a terminal that %s the table and the totals are drawn as on one of 80 by 24", async (_what, size) => {
  expect(terminalSize(size)).toEqual({ columns: 80, rows: 24 });
  const out = Object.assign(new PassThrough(), { isTTY: true, ...size });
  const view = tableView(out as unknown as WriteStream, (_format, words) => words);
  view.begin(new RunState("r0123456789ab", [{ name: "a job", board: "alpha" }]));
  view.end();
  const drawn = stripVTControlCharacters(await text(out.end()));
  expect(drawn).toContain("1 job: 1 waiting");
  expect(drawn).toContain("alpha ·");
});

it("a size that a terminal tells is taken", () => {
  expect(terminalSize({ columns: 132, rows: 50 })).toEqual({ columns: 132, rows: 50 });
});
