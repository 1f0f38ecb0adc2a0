import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Words } from "../../../src/cli/run/words.ts";
import type { OutputStream } from "../../../src/cli/surroundings.ts";

function streamTo(file: string) {
  const fd = openSync(file, "a");
  const stream = { fd, isTTY: false, write: (text: string | Uint8Array) => writeSync(fd, Buffer.from(text)) };
  return Object.assign(stream as unknown as OutputStream, { [Symbol.dispose]: () => closeSync(fd) });
}

it.each([
  ["begin a line of their own in the guest's file", "one", "one", "login: \nemufarm: passed\n"],
  ["stay apart in a file of their own", "one", "two", "login: "],
])("the farm's words %s", (_what, out, err, expected) => {
  const folder = mkdtempSync(join(tmpdir(), "ef-"));
  try {
    using stdout = streamTo(join(folder, out));
    using stderr = streamTo(join(folder, err));
    const words = new Words({ stdout, stderr });
    stdout.write("login: ");
    words.noteOutput(Buffer.from("login: "));
    words.say("passed");
    expect(readFileSync(join(folder, out), "utf8")).toBe(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
