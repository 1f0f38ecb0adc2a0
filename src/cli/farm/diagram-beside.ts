import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Diagram } from "../../core/diagram/diagram.ts";
import { diagramFile } from "../../core/diagram/diagram-file.ts";
import { parseDocument } from "../../document/parse-document.ts";

const DIAGRAM = "diagram.json";

/**
 * The circuit that is drawn beside a file, such as a scenario or a wokwi.toml.
 * @param file the path as the caller wrote it, for errors
 * @throws {FarmError} InvalidDocument
 */
export async function readDiagramBeside(path: string, file: string): Promise<Diagram | undefined> {
  let text: string;
  try {
    text = await readFile(join(dirname(path), DIAGRAM), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return parseDocument(text, diagramFile, { file: join(dirname(file), DIAGRAM) });
}

/** A place in a document. */
export interface FilePlace {
  readonly path: string;
  /** The path as the caller wrote it. */
  readonly file: string;
  /** Keys and indices with dots between. */
  readonly place: string;
}

/** Where a place of a scenario is found: what concerns its circuit, in the diagram beside it. */
export function sourceOfPlace({ path, file, place }: FilePlace): FilePlace {
  const [first, ...rest] = place.split(".");
  const drawn = join(dirname(path), DIAGRAM);
  if (first !== "diagram" || !existsSync(drawn)) return { path, file, place };
  return { path: drawn, file: join(dirname(file), DIAGRAM), place: rest.join(".") };
}
