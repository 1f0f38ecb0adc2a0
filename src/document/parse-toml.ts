import { parse, TomlError } from "smol-toml";
import type { z } from "zod";
import { invalidDocument } from "./document-problem.ts";
import { formatPath } from "./yaml-position.ts";

/**
 * The value of a TOML file.
 * @throws {FarmError} InvalidDocument, with every problem
 */
export function parseToml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  { file }: { readonly file: string },
): z.output<Schema> {
  const result = schema.safeParse(readToml(text, file));
  if (result.success) return result.data;
  throw invalidDocument(
    file,
    result.error.issues.map(({ path, message }) => ({ ...placeOf(text, path), path: formatPath(path), message })),
  );
}

function readToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [message = "is not TOML"] = cause.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw invalidDocument(file, [{ line: cause.line, column: cause.column, path: "", message }]);
  }
}

/** The first line that names the key: the parser keeps no places. */
function placeOf(text: string, path: readonly PropertyKey[]): { line: number; column: number } {
  const names = path.filter((part) => typeof part === "string");
  const lines = text.split("\n");
  for (const name of names.toReversed()) {
    const at = lines.findIndex((line) => new RegExp(`^\\s*(\\[+\\s*)?${name}\\b`).test(line));
    if (at !== -1) return { line: at + 1, column: (lines[at] ?? "").search(/\S/) + 1 };
  }
  return { line: 1, column: 1 };
}
