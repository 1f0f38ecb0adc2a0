import { LineCounter } from "yaml";
import type { z } from "zod";
import type { FarmError } from "../core/error/farm-error.ts";
import { type DocumentProblem, invalidDocument } from "./document-problem.ts";
import { type DocumentOptions, readDocuments, readValue } from "./parse-document.ts";
import { schemaProblems } from "./schema-problems.ts";
import { formatPath, type Path, YamlPositions } from "./yaml-position.ts";

/** A document that is passed on as it was written: without the defaults that its schema knows. */
export interface Manifest {
  readonly value: unknown;
  /** What somebody else has found wrong in it, with the places. */
  problem(found: readonly { readonly path: Path; readonly message: string }[]): FarmError<"InvalidDocument">;
}

/**
 * The documents of a file of several kinds, each checked by a schema of its own. Empty ones are left out.
 * @param schemaOf the schema for a document, by its content
 * @throws {FarmError} InvalidDocument, with every problem of every document
 */
export function parseManifests(
  text: string,
  schemaOf: (value: unknown) => z.ZodType,
  { file }: DocumentOptions,
): Manifest[] {
  const lines = new LineCounter();
  const manifests: Manifest[] = [];
  const problems: DocumentProblem[] = [];
  for (const document of readDocuments(text, lines, file)) {
    const positions = new YamlPositions(document, lines);
    const read = readValue(document, positions);
    for (const problem of read.problems) problems.push(problem);
    const { value } = read;
    if (value === null) continue;
    const schema = schemaOf(value);
    const result = schema.safeParse(value);
    if (!result.success) problems.push(...schemaProblems(schema, value, result.error.issues, positions));
    manifests.push({
      value,
      problem: (found) =>
        invalidDocument(
          file,
          found.map(({ path, message }) => ({ ...positions.ofValue(path), path: formatPath(path), message })),
        ),
    });
  }
  if (problems.length > 0) throw invalidDocument(file, problems);
  return manifests;
}
