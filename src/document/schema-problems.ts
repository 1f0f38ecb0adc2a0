import type { z } from "zod";
import { nearestName } from "../core/policy/nearest-name.ts";
import type { DocumentProblem } from "./document-problem.ts";
import { knownKeys } from "./known-keys.ts";
import { formatPath, type Path, type YamlPositions } from "./yaml-position.ts";

type Issue = z.core.$ZodIssue;

const MAX_VALUE_CHARACTERS = 60;

/** zod's issues as problems with a place and words for a person. */
export function schemaProblems(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
  positions: YamlPositions,
): DocumentProblem[] {
  const flat = issues.flatMap((issue) => flatten(issue, []));
  const withWrongKeys = new Set(
    flat.filter(({ code }) => code === "unrecognized_keys").map(({ path }) => formatPath(path)),
  );
  return flat
    .filter((issue) => !isConsequence(issue, withWrongKeys))
    .flatMap((issue) => {
      const path = formatPath(issue.path);
      if (issue.code === "unrecognized_keys") {
        const known = knownKeys(schema, issue.path);
        return issue.keys.map((key) => ({ ...positions.ofKey(issue.path, key), path, message: wrongKey(key, known) }));
      }
      return [{ ...positions.ofValue(issue.path), path, message: messageOf(issue, valueAt(value, issue.path)) }];
    });
}

/** A wrong key explains what else seems wrong with its object: a missing action, a missing key. */
function isConsequence(issue: Issue, withWrongKeys: ReadonlySet<string>): boolean {
  if (issue.code === "custom") return withWrongKeys.has(formatPath(issue.path));
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  return isMissing && withWrongKeys.has(formatPath(issue.path.slice(0, -1)));
}

/** Issues with full paths; of a union, those of the branch that fits best. */
function flatten(issue: Issue, base: Path): Issue[] {
  const path = [...base, ...issue.path];
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const branches = issue.errors.map((errors) => errors.flatMap((one) => flatten(one, path)));
    const deeper = branches.filter((errors) => !errors.some((one) => isOfOtherKind(one, path)));
    if (deeper.length === 0) return [otherKind(branches.flat(), path)];
    return deeper.reduce((best, one) => (fitness(one, path) > fitness(best, path) ? one : best));
  }
  return [{ ...issue, path }];
}

/** True when the branch wants another kind of value, not just another content. */
function isOfOtherKind(issue: Issue, path: Path): boolean {
  return issue.path.length === path.length && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

/** One issue for all branches of a union that wanted another kind of value. */
function otherKind(issues: readonly Issue[], path: Path): Issue {
  const expected = issues.filter((one) => isOfOtherKind(one, path)).flatMap(expectedOf);
  return {
    code: "custom",
    path: [...path],
    message: `expected ${orList([...new Set(expected)])}`,
    params: { isKind: true },
  };
}

/** Fewer problems fit better; among equals those that lie deeper. */
function fitness(issues: readonly Issue[], path: Path): number {
  const depth = Math.max(...issues.map((issue) => issue.path.length - path.length));
  return depth - issues.length * 10;
}

function expectedOf(issue: Issue): string[] {
  if (issue.code === "invalid_type") return [issue.expected === "object" ? "a map" : article(issue.expected)];
  if (issue.code === "invalid_value") return issue.values.map((value) => JSON.stringify(value) ?? String(value));
  if (issue.code === "custom" && issue.params?.isKind) return [issue.message.replace(/^expected /, "")];
  return [issue.message];
}

function messageOf(issue: Issue, found: unknown): string {
  const what = describe(found);
  if (issue.message.startsWith("must")) return `found ${what}, which ${issue.message}`;
  if (issue.code === "invalid_type" || issue.code === "invalid_value") {
    const expected = orList(expectedOf(issue));
    if (found === undefined) return `is missing; expected ${expected}`;
    return `found ${what}, expected ${expected}${hintOf(found, issue)}`;
  }
  if (issue.code === "custom" && issue.params?.isKind) return `found ${what}, ${issue.message}`;
  if (issue.code === "custom") return issue.message;
  return `found ${what}: ${issue.message}`;
}

function hintOf(found: unknown, issue: Issue): string {
  if (issue.code !== "invalid_value" || typeof found !== "string") return "";
  return didYouMean(
    found,
    issue.values.filter((value) => typeof value === "string"),
  );
}

function wrongKey(key: string, known: readonly string[]): string {
  return `found unknown key ${JSON.stringify(key)}, expected ${orList(known)}${didYouMean(key, known)}`;
}

function didYouMean(found: string, known: readonly string[]): string {
  const nearest = nearestName(found, known);
  return nearest === undefined ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}

function describe(value: unknown): string {
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS)}...` : text;
}

function article(type: string): string {
  const names: Record<string, string> = { array: "a list", record: "a map", int: "a whole number", null: "nothing" };
  return names[type] ?? `a ${type}`;
}

function orList(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? "nothing";
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[part] : undefined),
    value,
  );
}
