import { join } from "node:path";
import { expect, test } from "vitest";
import { readBoards } from "../../boards/manifests.ts";
import { createBootLab } from "./boot-lab.ts";

const IMAGES = join(import.meta.dirname, "../../../examples/images");

test("a firmware says hello and ends with its exit code", async () => {
  await using lab = await createBootLab();
  const board = readBoards().find(({ metadata }) => metadata.name === "mps2-an385");
  if (!board) throw new Error("no board");
  const image = join(IMAGES, "mps2-an385", "hello.elf");
  const { boot, uarts } = await lab.boot(board.spec, { firmware: { image, format: "elf" } });
  expect(await boot.exited).toEqual({ reason: "GuestExited", code: 0 });
  await boot.running;
  expect(uarts[0]?.text).toContain("boot ok");
});
