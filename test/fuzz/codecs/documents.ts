import type { z } from "zod";
import { Circuit } from "../../../src/core/diagram/circuit.ts";
import { diagramBoard } from "../../../src/core/diagram/diagram-board.ts";
import { diagramFile, projectFile } from "../../../src/core/diagram/diagram-file.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { board } from "../../../src/core/schema/board.ts";
import { scenario } from "../../../src/core/schema/scenario.ts";
import { parseDocument } from "../../../src/document/parse-document.ts";
import { parseToml } from "../../../src/document/parse-toml.ts";
import { checkPatterns } from "../../../src/pattern/check-patterns.ts";
import { readBoards } from "../../boards/manifests.ts";
import type { Codec } from "../codec.ts";

const DRAWN = readBoards().find(({ metadata }) => metadata.name === "b-l475e-iot01a");

function documentCodec<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  use: (value: z.output<Schema>) => unknown = () => undefined,
): Codec {
  return {
    name,
    isStream: false,
    refusals: [FarmError],
    read([bytes]) {
      const value = parseDocument(String(bytes), schema, { file: "file" });
      return [value, use(value)];
    },
  };
}

/** `wokwi.toml`. */
const project: Codec = {
  name: "project",
  isStream: false,
  refusals: [FarmError],
  read: ([bytes]) => parseToml(String(bytes), projectFile, { file: "file" }),
};

export const documentCodecs: readonly Codec[] = [
  documentCodec("scenario", scenario, checkPatterns),
  documentCodec("board", board),
  documentCodec("diagram", diagramFile, (value) =>
    DRAWN ? [...new Circuit(value, diagramBoard(DRAWN.metadata.name, DRAWN.spec)).levels()] : undefined,
  ),
  project,
];
