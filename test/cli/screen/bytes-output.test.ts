import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkWritable, saveBytes } from "../../../src/cli/screen/bytes-output.ts";

let cwd: string;
let isReturned: boolean;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "bytes-"));
  isReturned = false;
});

afterEach(() => rmSync(cwd, { recursive: true }));

async function* bytes(texts: readonly string[], end?: Error): AsyncGenerator<Buffer> {
  try {
    for (const text of texts) yield Buffer.from(text);
    if (end) throw end;
  } finally {
    isReturned = true;
  }
}

const refusal = new Error("there is no such thing");
const read = (name: string) => readFileSync(join(cwd, name), "utf8");

it("writes all of it, over what was there", async () => {
  writeFileSync(join(cwd, "a"), "something longer");
  expect(await saveBytes({ cwd }, "a", bytes(["one ", "two"]))).toBe(7);
  expect(read("a")).toBe("one two");
});

it("makes an empty file of nothing", async () => {
  expect(await saveBytes({ cwd }, "a", bytes([]))).toBe(0);
  expect(read("a")).toBe("");
});

it("leaves a file as it was, or makes none, where all is refused", async () => {
  writeFileSync(join(cwd, "kept"), "mine");
  for (const name of ["kept", "none"]) await expect(saveBytes({ cwd }, name, bytes([], refusal))).rejects.toBe(refusal);
  expect(read("kept")).toBe("mine");
  expect(existsSync(join(cwd, "none"))).toBe(false);
});

it("leaves no half of it", async () => {
  await expect(saveBytes({ cwd }, "a", bytes(["half"], refusal))).rejects.toBe(refusal);
  expect(existsSync(join(cwd, "a"))).toBe(false);
});

it("says which file cannot be written, and reads no further", async () => {
  const saving = saveBytes({ cwd }, "no/such/folder", bytes(["one", "two"]));
  await expect(saving).rejects.toMatchObject({ code: "InvalidRequest" });
  await expect(saving).rejects.toThrow("no/such/folder cannot be written");
  expect(isReturned).toBe(true);
});

it("is asked whether a file can be written, and leaves what is there and what is not", async () => {
  writeFileSync(join(cwd, "kept"), "kept");
  await checkWritable({ cwd }, "kept");
  await checkWritable({ cwd }, "none");
  expect(readFileSync(join(cwd, "kept"), "utf8")).toBe("kept");
  expect(existsSync(join(cwd, "none"))).toBe(false);
  await expect(checkWritable({ cwd }, "no/such/folder")).rejects.toThrow("no/such/folder cannot be written");
});
