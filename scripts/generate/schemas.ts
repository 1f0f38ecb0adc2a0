import { z } from "zod";
import { board } from "../../src/core/schema/board.ts";
import { runFile } from "../../src/core/schema/run.ts";
import { scenario } from "../../src/core/schema/scenario.ts";
import type { Generated } from "../generate.ts";

/** The files that people write: editors check them against these. */
const FILES = { board, run: runFile, scenario };

/** JSON Schema of each file that people write, under schemas/. */
export function generateSchemas(): Generated {
  const folder = "schemas";
  const files = Object.entries(FILES).map(([name, schema]): [string, string] => {
    // What people write is the input of a schema: defaults may be left out, texts may stand for numbers.
    const json = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
    return [`${folder}/${name}.json`, `${JSON.stringify({ ...json, title: `emufarm ${name}` }, null, 2)}\n`];
  });
  return { folder, files: new Map(files) };
}
