import type { z } from "zod";
import type { Path } from "./yaml-position.ts";

/** What we read of a zod schema: its documented `def`, which all kinds share. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly shape?: Readonly<Record<string, z.ZodType>>;
}

/** The keys that a schema knows for the object at a path, in every branch of its unions. */
export function knownKeys(schema: z.ZodType, path: Path): string[] {
  const schemas = path.reduce<z.ZodType[]>((found, part) => found.flatMap((one) => inside(one, part)), [schema]);
  return [...new Set(schemas.flatMap(branches).flatMap((one) => Object.keys(definitionOf(one).shape ?? {})))];
}

function inside(schema: z.ZodType, part: PropertyKey): z.ZodType[] {
  return branches(schema).flatMap((one) => {
    const { shape, element, valueType } = definitionOf(one);
    const found = shape ? shape[String(part)] : (element ?? valueType);
    return found ? [found] : [];
  });
}

/** The schema without what wraps it; every branch of a union. */
function branches(schema: z.ZodType): z.ZodType[] {
  const { innerType, in: input, options } = definitionOf(schema);
  if (options) return options.flatMap(branches);
  const wrapped = innerType ?? input;
  return wrapped ? branches(wrapped) : [schema];
}

function definitionOf(schema: z.ZodType): Definition {
  return schema.def;
}
