import { LineCounter, parseDocument } from "yaml";
import type { FarmError } from "../core/error/farm-error.ts";
import { invalidDocument } from "./document-problem.ts";
import { formatPath, YamlPositions } from "./yaml-position.ts";

/**
 * An error that somebody else found in a document's value, told as one of the document itself.
 * @param place keys and indices with dots between, such as `steps.1.wait-serial`
 */
export function problemAt(text: string, file: string, place: string, message: string): FarmError<"InvalidDocument"> {
  return invalidDocument(file, [{ ...locateIn(text, place), message }]);
}

/** `file:line:column: path` of a place in a document, or of the nearest value around it. */
export function locate(text: string, file: string, place: string): string {
  const { line, column, path } = locateIn(text, place);
  return `${file}:${line}:${column}: ${path}`;
}

function locateIn(text: string, place: string): { line: number; column: number; path: string } {
  const lineCounter = new LineCounter();
  const positions = new YamlPositions(parseDocument(text, { lineCounter, logLevel: "silent" }), lineCounter);
  const path = place.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return { ...positions.ofValue(path), path: formatPath(path) };
}
