import type { FarmError } from "../error/farm-error.ts";
import type { VerdictName } from "../verdict.ts";

/** The verdict that an error stands for: whose fault it is decides, time-outs and cancellations aside. */
export function verdictOfError(error: FarmError): Exclude<VerdictName, "passed"> {
  if (error.code === "StepTimeout" || error.code === "JobTimeout") return "timedOut";
  if (error.code === "Cancelled") return "cancelled";
  return error.class === "test" ? "failed" : "errored";
}
