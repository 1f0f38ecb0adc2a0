import { z } from "zod";
import { setOf, withRules } from "./hint.ts";
import { objectName } from "./metadata.ts";

/**
 * Ways to get a guest booted. Cheaper than a process for each boot, in this order:
 * spare: a process that was started ahead and waits for its image;
 * recycle: a process that has served a boot serves the next one of the same tenant;
 * snapshot: the state at the board's ready pattern is restored;
 * template: the same, and all guests share the memory that they have not changed.
 */
export const BOOT_STRATEGIES = ["spawn", "spare", "recycle", "snapshot", "template"] as const;

export type BootStrategyName = (typeof BOOT_STRATEGIES)[number];

const provable = z.enum(["spare", "recycle", "snapshot", "template"]);

export const boardBoot = z
  .strictObject({
    proven: setOf(provable)
      .max(4)
      .default([])
      .describe("Boot strategies besides spawn from which the board is proven to come up as from a cold start."),
    unproven: z
      .partialRecord(provable, z.string().min(1).describe("Why this one is not."))
      .default({})
      .describe("Why a boot strategy is not among the proven ones, in a sentence."),
  })
  .prefault({})
  .describe("How a guest of this board may be started, besides by a process of its own.");

/** What a job asks for. */
export const jobStrategy = z
  .enum(["auto", ...BOOT_STRATEGIES])
  .default("auto")
  .describe(
    "How the guest is started: auto, the cheapest way that the board is proven for; or one way, which is an error where the board or its emulator cannot.",
  );

export const readyPattern = z
  .strictObject({
    uart: objectName.describe("UART to watch."),
    pattern: withRules(z.string().min(1).max(1_024), {
      message: "must be a regular expression in RE2 syntax",
      // Whether it matches is all the same; one that cannot be read is an error, which refuses the value.
      cel: "''.matches(self) || !''.matches(self)",
    }).describe("Regular expression (RE2) that says the firmware is up."),
  })
  .describe("Output that says the firmware is up.");
