import { z } from "zod";
import { type DiagramInput, diagram } from "./diagram.ts";

const attribute = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/**
 * `diagram.json` as the simulator's editor writes it. What concerns the drawing, such as colours, coordinates and the
 * way of a wire, is left out of the value.
 */
export const diagramFile = z
  .object({
    version: z.literal(1).default(1),
    parts: z.array(z.object({ id: z.string(), type: z.string(), attrs: z.record(z.string(), attribute).default({}) })),
    connections: z.array(z.tuple([z.string(), z.string()]).rest(z.unknown())).default([]),
  })
  .transform(
    ({ parts, connections }): DiagramInput => ({ parts, connections: connections.map(([from, to]) => [from, to]) }),
  )
  .pipe(diagram);

/** `wokwi.toml`: which firmware a project runs. */
export const projectFile = z.object({
  wokwi: z.object({
    version: z.literal(1).default(1),
    firmware: z.string().min(1),
    elf: z.string().min(1).optional(),
  }),
  chip: z.array(z.unknown()).max(0, "chips of one's own are not supported: expected none").default([]),
  net: z.looseObject({}).optional(),
});
export type ProjectFile = z.infer<typeof projectFile>;
