import { z } from "zod";

const MAX_REMEMBERED = 200;

/**
 * A schema that checks what it has seen before by its text: boards come with each attempt, mostly the same, and
 * checking one costs ten times as much as writing it. What is the same also comes out as one object.
 */
export function remembered<Schema extends z.ZodType>(schema: Schema): z.ZodType<z.output<Schema>, z.input<Schema>> {
  const known = new Map<string, z.output<Schema>>();
  return z.unknown().transform((value, context): z.output<Schema> => {
    const text = JSON.stringify(value) ?? "";
    const same = known.get(text);
    if (same !== undefined) return same;
    const checked = schema.safeParse(value);
    if (!checked.success) {
      for (const issue of checked.error.issues) context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
      return z.NEVER;
    }
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, checked.data);
    return checked.data;
  }) as unknown as z.ZodType<z.output<Schema>, z.input<Schema>>;
}
