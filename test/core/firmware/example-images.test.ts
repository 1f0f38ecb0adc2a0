import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkFirmware } from "../../../src/core/firmware/check-firmware.ts";
import { board } from "../../../src/core/schema/board.ts";
import { parseDocument } from "../../../src/document/parse-document.ts";
import { factsOf } from "../../gen/elf.ts";

const images = "examples/images";
const boards = readdirSync(images, { withFileTypes: true }).filter((entry) => entry.isDirectory());

test.each(boards.map(({ name }) => name))("every example for %s is firmware for it", (name) => {
  const file = `manifests/boards/${name}.yaml`;
  const { spec } = parseDocument(readFileSync(file, "utf8"), board, { file });
  for (const image of readdirSync(join(images, name))) {
    const facts = factsOf(readFileSync(join(images, name, image)));
    expect(spec.firmware.formats).toContain(checkFirmware({ name: image, facts, boardName: name, board: spec }));
  }
});
