import { z } from "zod";

/** A rule over several fields, told twice: to zod, and to the API server of Kubernetes in CEL. */
export interface Rule<Value> {
  /** Why a value is refused: the same words from both. */
  readonly message: string;
  /** Field that is at fault, below the value; default: the value itself. */
  readonly path?: readonly string[];
  /** The rule in CEL, with the value as `self`. */
  readonly cel: string;
  /** The same rule for zod. Without it, a rule that needs the old value, or one that only a cluster has. */
  readonly isValid?: (value: Value) => boolean;
}

/** What the API server of Kubernetes is told beyond what JSON Schema says. */
export interface Hint {
  readonly rules?: readonly Rule<never>[];
  /** Fields that tell the items of a list apart; server-side apply merges by them. */
  readonly keys?: readonly string[];
  /** True for a list of values of which each occurs once. */
  readonly isSet?: boolean;
  /** Most entries of a record. */
  readonly maxEntries?: number;
}

export const hints = z.registry<Hint, z.core.$ZodType>();

/** A schema that holds the rules, here and on the API server. */
export function withRules<Schema extends z.ZodType>(
  schema: Schema,
  ...rules: readonly Rule<z.output<Schema>>[]
): Schema {
  const ruled = rules.reduce<Schema>((before, { isValid, message, path }) => {
    return isValid ? before.refine(isValid, { message, path: [...(path ?? [])] }) : before;
  }, schema.clone());
  hints.add(ruled, { ...hints.get(schema), rules: [...(hints.get(schema)?.rules ?? []), ...rules] });
  return ruled;
}

/** A list whose items differ in these fields. */
export function keyedList<Item extends z.ZodObject>(item: Item, ...keys: (keyof z.output<Item> & string)[]) {
  const list = z.array(item).refine((items) => areDistinct(items.map((one) => keys.map((key) => one[key]))), {
    message: `two items have the same ${keys.join(" and ")}`,
  });
  return withHint(list, { keys });
}

/** A list of values of which each occurs once. */
export function setOf<Item extends z.ZodType<string>>(item: Item) {
  return withHint(z.array(item).refine(areDistinct, { message: "an item occurs twice" }), { isSet: true });
}

/** A record of this many entries at most. */
export function boundedRecord<Value extends z.ZodType>(value: Value, maxEntries: number) {
  const record = z
    .record(z.string().min(1).max(317), value)
    .refine((entries) => Object.keys(entries).length <= maxEntries, {
      message: `must have at most ${maxEntries} entries`,
    });
  return withHint(record, { maxEntries });
}

function withHint<Schema extends z.ZodType>(schema: Schema, hint: Hint): Schema {
  hints.add(schema, hint);
  return schema;
}

function areDistinct(values: readonly unknown[]): boolean {
  return new Set(values.map((value) => JSON.stringify(value))).size === values.length;
}
