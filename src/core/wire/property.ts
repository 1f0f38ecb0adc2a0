import { z } from "zod";

const qomPath = z
  .string()
  .min(1)
  .max(1_024)
  .describe("QOM path of an object, such as /machine/soc; the board's own lie under /machine.");
const propertyName = z.string().min(1).max(256).describe("Name of the property.");

/** Query of `GET .../properties`: with a name the value of that property, without one all properties of the object. */
export const propertyQuery = z.object({ path: qomPath.default("/machine"), name: propertyName.optional() });

/** Body of `PUT .../properties`. */
export const propertyToSet = z.strictObject({
  path: qomPath,
  name: propertyName,
  value: z.union([z.boolean(), z.number()]).describe("The value; only truth values and numbers can be set."),
});

export const propertyEntry = z
  .strictObject({
    name: propertyName,
    type: z.string().describe("QOM type, such as bool, uint32, child<...> (an object within) or link<...>."),
    description: z.string().optional(),
    isSettable: z.boolean().describe("True where it may be set from outside; the emulator may refuse it all the same."),
  })
  .describe("A property of an object.");
export type PropertyEntry = z.infer<typeof propertyEntry>;

export const propertyValue = z
  .strictObject({ path: qomPath, name: propertyName, type: z.string(), value: z.unknown() })
  .describe("A property with its value.");
export type PropertyValue = z.infer<typeof propertyValue>;
