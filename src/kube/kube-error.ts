/** The `Status` object that the API server answers with instead of what was asked for. */
export interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  };
}

export interface KubeErrorOptions {
  /** HTTP status; 0 where no answer came. */
  readonly status: number;
  /** The API's word, such as `NotFound`; `Unreachable` or `Timeout` where no answer came. */
  readonly reason: string;
  readonly message: string;
  /** How long the server asks to wait. */
  readonly retryAfterMs?: number | undefined;
  readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  readonly cause?: unknown;
}

/** The API server said no, or nothing. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  readonly causes: NonNullable<KubeErrorOptions["causes"]>;

  constructor({ status, reason, message, retryAfterMs, causes = [], cause }: KubeErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "KubeError";
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.causes = causes;
  }
}

/** Somebody else has written in between, a precondition does not hold, or a field belongs to another manager. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason !== "AlreadyExists";
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof KubeError && error.status === 409 && error.reason === "AlreadyExists";
}

export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.status === 404;
}

/** Nobody has allowed it. */
export function isForbidden(error: unknown): boolean {
  return error instanceof KubeError && error.status === 403;
}

/** The version that was asked for is no longer kept: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");
}

/** What a refusal says: the error for a `Status`, whether it came as an answer or in a stream. */
export function errorOfStatus(httpStatus: number, body: StatusBody, retryAfterMs?: number): KubeError {
  const { message, reason, code, details } = body;
  const seconds = details?.retryAfterSeconds;
  return new KubeError({
    status: code ?? httpStatus,
    reason: reason || "Unknown",
    message: message || `the API server answered ${code ?? httpStatus}`,
    retryAfterMs: retryAfterMs ?? (seconds === undefined || seconds === 0 ? undefined : seconds * 1_000),
    ...(details?.causes && { causes: details.causes }),
  });
}
