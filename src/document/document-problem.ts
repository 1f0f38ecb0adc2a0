import { FarmError } from "../core/error/farm-error.ts";
import { problemList } from "../core/error/problem-list.ts";

/** Something that is wrong in a document. Lines and columns count from 1. */
export interface DocumentProblem {
  readonly line: number;
  readonly column: number;
  /** Where in the value, such as `steps[0].delay`; empty for the whole document. */
  readonly path: string;
  /** What was found and what was expected, in words. */
  readonly message: string;
}

/** Problems shown in the message; all are counted. */
const MAX_SHOWN = 20;

/** All problems of a document as one error; its details point to the first. */
export function invalidDocument(file: string, problems: readonly DocumentProblem[]): FarmError<"InvalidDocument"> {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const shown = sorted.slice(0, MAX_SHOWN).map(({ line, column, path, message }) => {
    return `${file}:${line}:${column}: ${path === "" ? "" : `${path}: `}${message}`;
  });
  if (sorted.length > MAX_SHOWN) shown.push(`and ${sorted.length - MAX_SHOWN} more`);
  const first = sorted[0] ?? { line: 1, column: 1 };
  const { line, column } = first;
  const count = problems.length;
  return new FarmError("InvalidDocument", { file, problems: problemList(shown, count), line, column, count });
}
