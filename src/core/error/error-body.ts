import { z } from "zod";
import { errorClass } from "../verdict.ts";
import { ERROR_CODES, type ErrorCode } from "./catalogue.ts";

/** The error as it travels: from agent to dispatcher, to HTTP answers, to reports. */
export const errorBody = z
  .strictObject({
    code: z
      .enum(ERROR_CODES as [ErrorCode, ...ErrorCode[]])
      .describe("Stable code of the error; docs/errors.md explains each."),
    class: errorClass,
    message: z.string().describe("What happened and what to do, for a person."),
    details: z.record(z.string(), z.union([z.string(), z.number()])).describe("The facts behind the message, by name."),
  })
  .describe("An error: code, class, message and details.");

export type ErrorBody = z.infer<typeof errorBody>;
