import { z } from "zod";
import { errorBody } from "../error/error-body.ts";

/** What one emulator binary can do, probed once by its digest. */
export const emulatorInfo = z
  .strictObject({
    binary: z.string().describe("Name of the program."),
    path: z.string().describe("Where it lies."),
    version: z.string().describe("Version, such as 7.2.22."),
    sha256: z.string().describe("Digest of the program."),
    machines: z.array(z.string()).describe("Machine types."),
    accelerators: z.array(z.string()).describe("Accelerators: those built in and usable here."),
    hasSandbox: z.boolean().describe("True when the program can confine itself by seccomp."),
    farmRevision: z
      .number()
      .int()
      .optional()
      .describe("Number of the farm's own patch series, where the program was built with it."),
  })
  .describe("An emulator program.");
export type EmulatorInfo = z.infer<typeof emulatorInfo>;

/** Answer to `POST /v1/boards/check` for one board. */
export const boardCheck = z.discriminatedUnion("isAvailable", [
  z.strictObject({ isAvailable: z.literal(true), emulator: emulatorInfo, accelerator: z.string() }),
  z.strictObject({ isAvailable: z.literal(false), error: errorBody }),
]);
export type BoardCheck = z.infer<typeof boardCheck>;

/** Answer to `GET /v1/info` on the agent. */
export const agentInfo = z.strictObject({
  agentId: z.string(),
  version: z.string(),
  slots: z.number().int(),
  freeSlots: z.number().int(),
  isDraining: z.boolean(),
  epoch: z.number().int().describe("Highest dispatcher epoch seen."),
  slotIsolation: z.enum(["uid", "none"]).describe("uid: each slot has a user id of its own."),
});
export type AgentInfo = z.infer<typeof agentInfo>;
