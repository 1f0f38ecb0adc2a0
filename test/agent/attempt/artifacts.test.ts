import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Artifacts, artifactPath } from "../../../src/agent/attempt/artifacts.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "emufarm-artifacts-"));
});

afterEach(() => rm(folder, { recursive: true }));

test("a file is whole as soon as it was written, and listed with its size", async () => {
  using artifacts = new Artifacts(join(folder, "made"));
  artifacts.write("screens/boot.png", "image/png", Buffer.from("picture"));
  expect(artifacts.list).toEqual([{ name: "screens/boot.png", mediaType: "image/png", bytes: 7 }]);
  expect(await readFile(artifactPath(join(folder, "made"), "screens/boot.png"), "utf8")).toBe("picture");
});

test("a file may grow, and is closed with the attempt", async () => {
  const artifacts = new Artifacts(folder);
  const writer = artifacts.open("pins.vcd", "text/plain");
  writer.write("#0\n");
  writer.write(Buffer.from("1!\n"));
  artifacts[Symbol.dispose]();
  writer.write("what comes after the end");
  expect(await readFile(artifactPath(folder, "pins.vcd"), "utf8")).toBe("#0\n1!\n");
});

test("a file of the same name replaces the one before", async () => {
  using artifacts = new Artifacts(folder);
  artifacts.write("a.txt", "text/plain", "the first one");
  artifacts.write("a.txt", "text/plain", "second");
  expect(artifacts.list).toEqual([{ name: "a.txt", mediaType: "text/plain", bytes: 6 }]);
  expect(await readFile(artifactPath(folder, "a.txt"), "utf8")).toBe("second");
});

test("without a file there is no folder", async () => {
  using artifacts = new Artifacts(join(folder, "made"));
  expect(artifacts.list).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test("more bytes than the limit are refused, and what was written stays", () => {
  using artifacts = new Artifacts(folder, 10);
  artifacts.write("a", "text/plain", "12345678");
  const writer = artifacts.open("b", "text/plain");
  expect(() => writer.write("123")).toThrow(expect.objectContaining({ code: "ArtifactLimit" }));
  expect(artifacts.list).toEqual([
    { name: "a", mediaType: "text/plain", bytes: 8 },
    { name: "b", mediaType: "text/plain", bytes: 0 },
  ]);
});

test("more than a hundred files are refused", () => {
  using artifacts = new Artifacts(folder);
  for (let number = 0; number < 100; number += 1) artifacts.write(`file-${number}`, "text/plain", "x");
  const one = () => artifacts.write("one-more", "text/plain", "x");
  expect(one).toThrow(expect.objectContaining({ code: "ArtifactLimit" }));
});

test.each(["../escape", "/etc/passwd", "a/../../b", "", ".hidden", "a//b", "a/b/c/d/e", "line\nfeed"])(
  "the name %j is refused",
  (name) => {
    using artifacts = new Artifacts(folder);
    expect(() => artifacts.write(name, "text/plain", "x")).toThrow();
    expect(artifacts.list).toEqual([]);
  },
);
