import type { z } from "zod";
import { FarmError } from "../error/farm-error.ts";

/** The settings of a process. @throws {FarmError} InvalidRequest with all problems together */
export function parseSettings<Settings extends z.ZodType>(
  settings: Settings,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Settings> {
  const read = settings.safeParse(environment);
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new FarmError("InvalidRequest", { problems: problems.join("; ") });
}
