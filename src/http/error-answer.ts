import { FarmError } from "../core/error/farm-error.ts";

/** An issue of zod as fastify-type-provider-zod hands it on. */
interface ValidationIssue {
  readonly instancePath: string;
  readonly message?: string;
  readonly keyword?: string;
  readonly params?: { readonly errors?: readonly (readonly NestedIssue[])[] };
}

interface NestedIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

interface FastifyFailure extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly ValidationIssue[];
  readonly validationContext?: string;
}

/** More problems than this help nobody. */
const MAX_PROBLEMS = 10;

/** Whatever a route or fastify threw, as the error that the caller gets. */
export function toFarmError(thrown: unknown, limitBytes: number): FarmError {
  if (thrown instanceof FarmError || !(thrown instanceof Error)) return FarmError.from(thrown);
  const failure: FastifyFailure = thrown;
  if (failure.validation) {
    const problems = failure.validation.slice(0, MAX_PROBLEMS).map((issue) => problemOf(issue, failure));
    return new FarmError("InvalidRequest", { problems: problems.join("; ") }, { cause: thrown });
  }
  if (failure.code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new FarmError("BodyTooLarge", { limitBytes }, { cause: thrown });
  }
  if (failure.statusCode !== undefined && failure.statusCode >= 400 && failure.statusCode < 500) {
    return new FarmError("InvalidRequest", { problems: uncapitalised(failure.message) }, { cause: thrown });
  }
  return FarmError.from(thrown);
}

/** Names the field: `body.board.uarts.0.name: must be ...`. */
function problemOf(issue: ValidationIssue, failure: FastifyFailure): string {
  const nested = closestBranch(issue);
  const path = [
    failure.validationContext ?? "request",
    ...issue.instancePath.split("/").filter((key) => key !== ""),
    ...(nested?.path ?? []).map(String),
  ].join(".");
  return `${path}: ${uncapitalised(nested?.message ?? issue.message ?? "is not valid")}`;
}

/** Of a union, the branch that came furthest says best what was meant. */
function closestBranch(issue: ValidationIssue): NestedIssue | undefined {
  if (issue.keyword !== "invalid_union") return undefined;
  const branches = (issue.params?.errors ?? []).filter((branch) => branch.length > 0);
  const depth = (branch: readonly NestedIssue[]) => Math.max(...branch.map((one) => one.path.length));
  return branches.toSorted((one, other) => depth(other) - depth(one))[0]?.[0];
}

function uncapitalised(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
