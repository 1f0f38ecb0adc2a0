import { z } from "zod";
import { keyedList } from "./hint.ts";
import { objectName } from "./metadata.ts";

/** A non-negative address or size: a number, or text such as `0x20000000`. */
export const address = z
  .union([
    z.number().int().nonnegative(),
    z
      .string()
      .max(18)
      .regex(/^0x[0-9a-fA-F]{1,16}$/, "must be a number or hexadecimal text such as 0x8000000")
      .transform((text) => Number.parseInt(text, 16)),
  ])
  .describe("Address: a number, or hexadecimal text such as 0x20000000.");

const memoryRegion = z
  .strictObject({
    name: objectName.describe("Name of the region, such as flash or ram."),
    base: address.describe("First address."),
    sizeKiB: z.number().int().positive().describe("Size in KiB."),
  })
  .describe("A range of addresses that firmware may be loaded to.");

/** Memory of a board: how much, and where an image may lie. */
export const boardMemory = z
  .strictObject({
    ramMiB: z
      .number()
      .int()
      .positive()
      .describe("Memory that the machine has, in MiB; counted in the limit of the emulator."),
    isFixed: z
      .boolean()
      .default(false)
      .describe("True where the machine has just this memory and the emulator takes no size (no -m is passed)."),
    regions: keyedList(memoryRegion, "name")
      .max(64)
      // A default would be lost in JSON Schema, since an address is transformed.
      .prefault([])
      .describe("Where an image may lie. An ELF with a segment outside all of them is refused; empty: not checked."),
  })
  .describe("Memory of the board.");
