import { type Document, isMap, type Scalar, visit } from "yaml";
import type { DocumentProblem } from "./document-problem.ts";
import type { YamlPositions } from "./yaml-position.ts";

/** Booleans of YAML 1.1, texts in YAML 1.2. */
const OLD_BOOLEAN = /^(y|yes|n|no|on|off)$/i;
/** Octal in YAML 1.1, decimal in YAML 1.2. */
const OLD_OCTAL = /^[-+]?0[0-7]+$/;
/** A number in YAML 1.1, a text in YAML 1.2. */
const OLD_NUMBER = /^[-+]?\d+(_\d+)+$/;

/**
 * What kubectl, which reads YAML 1.1, would take for something else in an object that it may be given as well: one file
 * says the same to both.
 */
export function readOtherwise(document: Document.Parsed, positions: YamlPositions): DocumentProblem[] {
  const { contents } = document;
  if (!isMap(contents) || !contents.has("apiVersion") || document.get("kind") === "Run") return [];
  const problems: DocumentProblem[] = [];
  visit(contents, {
    Scalar(_key, scalar) {
      const what = otherKind(scalar);
      if (what === undefined || !scalar.range) return;
      const { source } = scalar;
      const message = `kubectl reads ${source} as ${what.name}; write ${what.instead === undefined ? "" : `${what.instead}, or `}"${source}" for the text`;
      problems.push({ ...positions.at(scalar.range[0]), path: "", message });
    },
  });
  return problems;
}

/** What it is in YAML 1.1, and how to write that for both. */
interface OtherKind {
  readonly name: string;
  readonly instead?: string;
}

function otherKind({ type, source = "" }: Scalar): OtherKind | undefined {
  if (type !== "PLAIN") return undefined;
  if (OLD_BOOLEAN.test(source)) return { name: "a boolean", instead: /^(y|yes|on)$/i.test(source) ? "true" : "false" };
  if (OLD_OCTAL.test(source)) return { name: "an octal number" };
  return OLD_NUMBER.test(source) ? { name: "a number", instead: source.replaceAll("_", "") } : undefined;
}
