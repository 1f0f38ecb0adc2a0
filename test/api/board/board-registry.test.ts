import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createBoardFiles } from "../../../src/api/board/board-files.ts";
import { loadBoards } from "../../../src/api/board/board-registry.ts";
import type { Board } from "../../../src/core/schema/board.ts";
import { aBoard } from "../../gen/board.ts";
import { createTemporaryFolder } from "../store/temporary-folder.ts";

const aManifest = (name: string, title: string): Board => ({
  apiVersion: "emufarm.dev/v1alpha1",
  kind: "Board",
  metadata: { name },
  spec: { ...aBoard(), title },
});

test("boards come from every folder, the farm's own last; missing folders have none", async () => {
  await using shipped = await createTemporaryFolder();
  await using own = await createTemporaryFolder();
  const two = [aManifest("one", "One"), aManifest("two", "Two")].map((board) => JSON.stringify(board));
  await writeFile(join(shipped.path, "boards.yaml"), two.join("\n---\n"));
  await writeFile(join(shipped.path, "README.md"), "not a board");
  await writeFile(join(own.path, "two.yaml"), JSON.stringify(aManifest("two", "Mine")));
  const registry = await loadBoards(createBoardFiles([own.path, shipped.path, "/nonexistent"], own.path));
  expect(registry.list().map(({ metadata, spec }) => [metadata.name, spec.title])).toEqual([
    ["one", "One"],
    ["two", "Mine"],
  ]);
});

test("a board file that is not valid is told with its place", async () => {
  await using folder = await createTemporaryFolder();
  await writeFile(join(folder.path, "bad.yaml"), "apiVersion: emufarm.dev/v1alpha1\nkind: Bord\n");
  await expect(loadBoards(createBoardFiles([folder.path], "/nonexistent"))).rejects.toMatchObject({
    code: "InvalidDocument",
    message: expect.stringContaining("bad.yaml"),
  });
});

test("a board in a file with others is not removed, and the file is told", async () => {
  await using own = await createTemporaryFolder();
  const two = [aManifest("one", "One"), aManifest("two", "Two")].map((board) => JSON.stringify(board));
  await writeFile(join(own.path, "mine.yaml"), two.join("\n---\n"));
  await writeFile(join(own.path, "another.yml"), JSON.stringify(aManifest("three", "Three")));
  const files = createBoardFiles([], own.path);
  const registry = await loadBoards(files);
  await expect(registry.remove("one")).rejects.toMatchObject({
    code: "Conflict",
    message: expect.stringContaining("mine.yaml has other boards, too"),
  });
  await registry.remove("three");
  for (const { list } of [registry, await loadBoards(files)]) {
    expect(list().map(({ metadata }) => metadata.name)).toEqual(["one", "two"]);
  }
});

test("a board that is put takes the place of one of its name, also for the next process", async () => {
  await using own = await createTemporaryFolder();
  const files = createBoardFiles([], join(own.path, "boards"));
  const registry = await loadBoards(files);
  await registry.put(aManifest("one", "First"));
  await registry.put(aManifest("one", "Second"));
  expect(registry.get("one").spec.title).toBe("Second");
  expect((await loadBoards(files)).list()).toEqual([aManifest("one", "Second")]);
  expect(() => registry.get("on")).toThrow("There is no board on. Did you mean one?");
  expect(() => registry.get("something-else")).toThrow(/^There is no board something-else\.$/);
});
