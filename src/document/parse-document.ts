import { type Alias, type Document, LineCounter, parseAllDocuments, visit, type YAMLParseError } from "yaml";
import type { z } from "zod";
import { type DocumentProblem, invalidDocument } from "./document-problem.ts";
import { readOtherwise } from "./kubectl-reading.ts";
import { schemaProblems } from "./schema-problems.ts";
import { YamlPositions } from "./yaml-position.ts";

/** Characters of a file; no document of the farm is near it. */
const MAX_CHARACTERS = 8 * 1024 * 1024;
/** So much of a file shows whether it is text. */
const OPENING_CHARACTERS = 512;
/** How often aliases may be expanded, nested ones multiplied: stops a document that grows a billionfold. */
const MAX_ALIASES = 100;

export interface DocumentOptions {
  /** Name of the file, for messages. */
  readonly file: string;
}

/**
 * The value of a file that holds one document.
 * @throws {FarmError} InvalidDocument, with every problem
 */
export function parseDocument<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  options: DocumentOptions,
): z.output<Schema> {
  const values = parseDocuments(text, schema, options);
  const [value] = values;
  if (values.length === 1) return value as z.output<Schema>;
  const message =
    values.length === 0 ? "found nothing, expected a document" : `found ${values.length} documents, expected one`;
  throw invalidDocument(options.file, [{ line: 1, column: 1, path: "", message }]);
}

/**
 * The values of a file that holds any number of documents, separated by `---`. Empty ones are left out.
 * @throws {FarmError} InvalidDocument, with every problem of every document
 */
export function parseDocuments<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  { file }: DocumentOptions,
): z.output<Schema>[] {
  const lines = new LineCounter();
  const values: z.output<Schema>[] = [];
  const problems: DocumentProblem[] = [];
  for (const document of readDocuments(text, lines, file)) {
    const positions = new YamlPositions(document, lines);
    const read = readValue(document, positions);
    for (const problem of read.problems) problems.push(problem);
    if (read.value === null) continue;
    const result = schema.safeParse(read.value);
    if (result.success) values.push(result.data);
    else problems.push(...schemaProblems(schema, read.value, result.error.issues, positions));
  }
  if (problems.length > 0) throw invalidDocument(file, problems);
  return values;
}

/** @throws {FarmError} InvalidDocument where nothing of the file can be read */
export function readDocuments(text: string, lineCounter: LineCounter, file: string): Document.Parsed[] {
  if (text.length > MAX_CHARACTERS) {
    const message = `found ${text.length} characters, expected at most ${MAX_CHARACTERS}`;
    throw invalidDocument(file, [{ line: 1, column: 1, path: "", message }]);
  }
  if (text.slice(0, OPENING_CHARACTERS).includes("\0")) {
    const message = "is not a text file, expected YAML; an image is run by emufarm run BOARD IMAGE";
    throw invalidDocument(file, [{ line: 1, column: 1, path: "", message }]);
  }
  try {
    const documents = parseAllDocuments(text, {
      lineCounter,
      uniqueKeys: true,
      prettyErrors: false,
      logLevel: "silent",
    });
    return Array.isArray(documents) ? documents : [];
  } catch (error) {
    // The parser recurses; what overflows its stack is no document that anybody wrote.
    if (!(error instanceof RangeError)) throw error;
    throw invalidDocument(file, [{ line: 1, column: 1, path: "", message: "is nested too deeply" }]);
  }
}

/** The value of one document, and what is wrong with it; null where it is empty or cannot be read. */
export function readValue(
  document: Document.Parsed,
  positions: YamlPositions,
): { value: unknown; problems: DocumentProblem[] } {
  const flowEnds = endsOfFlow(document);
  const problems = document.errors.map((error) => ({
    ...positions.at(error.pos[0]),
    path: "",
    message: `${error.message}${quotingHint(flowEnds, error)}`,
  }));
  if (problems.length > 0) return { value: null, problems };
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), problems: readOtherwise(document, positions) };
  } catch (error) {
    const message = error instanceof RangeError ? "is nested too deeply" : (error as Error).message;
    const alias = unresolvedAlias(document);
    const position = alias?.range ? positions.at(alias.range[0]) : positions.ofValue([]);
    return { value: null, problems: [{ ...position, path: "", message }] };
  }
}

/** `{board}.elf` reads as a map with something after it. */
function quotingHint(flowEnds: ReadonlySet<number>, { code, pos }: YAMLParseError): string {
  const isAfterFlow = code === "UNEXPECTED_TOKEN" && flowEnds.has(pos[0]);
  return isAfterFlow ? "; a text that begins with { or [ needs quotes" : "";
}

/** Where collections in braces and brackets end. */
function endsOfFlow({ contents, errors }: Document.Parsed): Set<number> {
  const ends = new Set<number>();
  if (errors.length === 0) return ends;
  visit(contents, {
    Collection(_key, { flow, range }) {
      if (flow && range) ends.add(range[1]);
    },
  });
  return ends;
}

/** The alias that made the document unreadable, if it is among the first; each look-up walks the whole document. */
function unresolvedAlias(document: Document.Parsed): Alias | undefined {
  let found: Alias | undefined;
  let seen = 0;
  visit(document, {
    Alias(_key, alias) {
      seen += 1;
      if (seen > MAX_ALIASES) return visit.BREAK;
      if (alias.resolve(document) !== undefined) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}
