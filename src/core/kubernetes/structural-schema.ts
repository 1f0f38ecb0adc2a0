import { z } from "zod";
import { type Hint, hints } from "../schema/hint.ts";
import { patternWords } from "./pattern-words.ts";

/** A structural schema, as a CustomResourceDefinition has it: OpenAPI 3.0 without what the API server cannot merge. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  required?: string[];
  enum?: unknown[];
  "x-kubernetes-validations"?: Validation[];
  "x-kubernetes-int-or-string"?: boolean;
  [keyword: string]: unknown;
}

/** A rule in CEL (x-kubernetes-validations). */
export interface Validation {
  rule: string;
  message: string;
  fieldPath?: string;
}

/** JSON Schema as zod writes it, with the hints under a keyword of their own. */
interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: { enum?: string[] };
  anyOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  [HINT]?: Hint;
  [WORDS]?: string;
  [keyword: string]: unknown;
}

const HINT = "x-hint";
const WORDS = "x-words";
const INT_OR_STRING = "x-kubernetes-int-or-string";
const UNTYPED = "x-kubernetes-preserve-unknown-fields";
/** Keywords that mean the same to the API server. */
const SAME = ["type", "description", "enum", "required"];
const BOUNDS = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"];

/**
 * The structural schema of what people write, which is the input of a zod schema.
 * @throws {TypeError} for a union that the API server has no words for.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const hint = hints.get(zodSchema);
      if (hint) jsonSchema[HINT] = hint;
      const words = patternWords(zodSchema);
      if (words !== undefined) jsonSchema[WORDS] = words;
    },
  });
  return structural(json as JsonSchema, "");
}

function structural(json: JsonSchema, path: string): StructuralSchema {
  if (json.anyOf) return structural(withoutUnion(json, json.anyOf, path), path);
  const schema: StructuralSchema = {
    ...kept(json, SAME),
    ...boundsOf(json),
    ...(json.const !== undefined && { enum: [json.const] }),
    ...(hasWords(json) ? {} : formatOf(json)),
    ...hinted(json),
    ...below(json, path),
    ...kept(json, [INT_OR_STRING, UNTYPED]),
  };
  return { ...schema, ...(json.default !== undefined && { default: completed(json.default, schema) }) };
}

function kept(json: JsonSchema, keywords: readonly string[]): StructuralSchema {
  return Object.fromEntries(
    keywords.flatMap((keyword) => (json[keyword] === undefined ? [] : [[keyword, json[keyword]]])),
  );
}

/** A default with those of its fields: rules are held against the default before the API server fills them in. */
function completed(value: unknown, { properties }: StructuralSchema): unknown {
  if (!properties || typeof value !== "object" || value === null) return value;
  const given = value as Readonly<Record<string, unknown>>;
  const fields = Object.entries(properties).flatMap(([name, schema]) => {
    const own = given[name] ?? schema.default;
    return own === undefined ? [] : [[name, completed(own, schema)]];
  });
  return Object.fromEntries(fields);
}

/** All that a schema of constants allows; undefined stands for everything else. */
function constantsOf({ type, const: constant, enum: choices }: JsonSchema): readonly unknown[] {
  if (type === "boolean" && constant === undefined) return [true, false];
  return choices ?? [constant];
}

/** Two unions have words on the API server: integer or text, and one of several constants. */
function withoutUnion(json: JsonSchema, union: readonly JsonSchema[], path: string): JsonSchema {
  const { anyOf: _union, ...rest } = json;
  const types = new Set(union.map(({ type }) => type));
  if (union.length === 2 && types.has("integer") && types.has("string")) {
    const { type: _type, ...both } = Object.assign({}, ...union) as JsonSchema;
    return { ...both, ...rest, [INT_OR_STRING]: true };
  }
  const constants = union.flatMap(constantsOf);
  if (!constants.includes(undefined)) {
    if (constants.every((one) => Number.isInteger(one))) return { ...rest, type: "integer", enum: constants };
    // Constants of several types: the field has none, and the list alone says what it may be.
    return { ...rest, enum: constants, [UNTYPED]: true };
  }
  throw new TypeError(`${path}: a union of ${[...types].join(" and ")} has no structural schema`);
}

function boundsOf(json: JsonSchema): StructuralSchema {
  const bounds = BOUNDS.filter((keyword) => typeof json[keyword] === "number" && Number.isSafeInteger(json[keyword]))
    // zod's bounds of a whole number are those of every number in JavaScript.
    .filter((keyword) => Math.abs(json[keyword] as number) !== Number.MAX_SAFE_INTEGER)
    .map((keyword) => [keyword, json[keyword]]);
  const { exclusiveMinimum } = json;
  return {
    ...Object.fromEntries(bounds),
    ...(exclusiveMinimum !== undefined && { minimum: exclusiveMinimum, exclusiveMinimum: true }),
  };
}

/** A format that the API server checks itself needs no pattern; it knows nothing of the others. */
function formatOf({ format, pattern }: JsonSchema): StructuralSchema {
  if (format === "date-time") return { format };
  return pattern === undefined ? {} : { pattern };
}

/** Whether a pattern is told in words: where the text has a greatest length, which bounds the cost of a rule. */
function hasWords(json: JsonSchema): boolean {
  return (
    (json.type === "string" || json[INT_OR_STRING] === true) &&
    json[WORDS] !== undefined &&
    json.maxLength !== undefined
  );
}

function patternRule(json: JsonSchema): string {
  const isNumber = json[INT_OR_STRING] === true ? "type(self) == int || " : "";
  return `${isNumber}self.matches(r"""${String(json.pattern)}""")`;
}

function hinted(json: JsonSchema): StructuralSchema {
  const { rules = [], keys, isSet, maxEntries } = json[HINT] ?? {};
  const validations = [
    // The API server only shows a pattern; a rule says in words what is wrong.
    ...(hasWords(json) ? [{ rule: patternRule(json), message: json[WORDS] ?? "" }] : []),
    ...rules.map(({ cel, message, path }) => ({
      rule: cel,
      message,
      ...(path && { fieldPath: path.map((name) => `.${name}`).join("") }),
    })),
  ];
  return {
    ...(maxEntries !== undefined && { maxProperties: maxEntries }),
    ...(keys && { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [...keys] }),
    ...(isSet && { "x-kubernetes-list-type": "set" }),
    ...(validations.length > 0 && { "x-kubernetes-validations": validations }),
  };
}

function below(json: JsonSchema, path: string): StructuralSchema {
  const { properties, items, additionalProperties, propertyNames } = json;
  // A record with known keys is an object with optional fields.
  const named =
    propertyNames?.enum && typeof additionalProperties === "object"
      ? Object.fromEntries(propertyNames.enum.map((name) => [name, additionalProperties]))
      : properties;
  if (named) {
    const fields = Object.entries(named).map(([name, one]) => [name, structural(one, `${path}.${name}`)]);
    return { properties: Object.fromEntries(fields) };
  }
  if (items) return { items: structural(items, `${path}[]`) };
  if (typeof additionalProperties === "object") {
    return { additionalProperties: structural(additionalProperties, `${path}.*`) };
  }
  return {};
}
