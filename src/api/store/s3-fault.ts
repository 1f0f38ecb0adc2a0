import { FarmError } from "../../core/error/farm-error.ts";

/** What is known of a failed request: an error of the SDK, or of the system below it. */
interface Fault {
  readonly name?: string;
  readonly code?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Record<string, string> };
}

const UNTRUSTED = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
]);

/** What a person has to do, by what the server said (S3 API reference, "Error responses"). */
const REFUSALS: Readonly<Record<string, string>> = {
  NoSuchBucket: "there is no such bucket. Make it, or correct its name",
  InvalidAccessKeyId: "the server does not know the access key. Correct the credentials",
  SignatureDoesNotMatch: "the secret key is not the access key's. Correct the credentials",
  AuthorizationHeaderMalformed: "the bucket is in another region. Correct the region",
  PermanentRedirect: "the bucket is in another region, or behind another endpoint. Correct them",
};

/** What is told as the client's fault, and may be none at the next try: time-outs, bodies that were cut, too many requests. */
const PASSING = new Set(["RequestTimeout", "IncompleteBody", "XAmzContentSHA256Mismatch"]);
const PASSING_STATUS = new Set([408, 409, 429]);

export const isMissingObject = (thrown: unknown): boolean => (thrown as Fault).name === "NoSuchKey";

/** A failed request to a bucket as the error that callers of the store get. */
export function toBucketError(thrown: unknown, where: { readonly place: string; readonly operation: string }): unknown {
  if (thrown instanceof FarmError || !(thrown instanceof Error)) return thrown;
  const { place, operation } = where;
  const problem = refusalOf(thrown, operation);
  if (problem !== undefined) return new FarmError("BucketRefused", { place, problem }, { cause: thrown });
  return new FarmError("BucketUnavailable", { place, detail: detailOf(thrown) }, { cause: thrown });
}

function refusalOf({ name = "", code = "", message, $metadata, $response }: Fault, operation: string) {
  if (name === "RequestTimeTooSkewed") {
    const theirs = new Date($response?.headers?.date ?? Number.NaN);
    const words = Number.isNaN(theirs.getTime()) ? "differs from this machine's" : `says ${theirs.toISOString()}`;
    return `its server's clock ${words}, this machine's ${new Date().toISOString()}. Set the one that is wrong`;
  }
  if (UNTRUSTED.has(code)) return `its server's certificate is not trusted (${message}). Name its authority`;
  const known = REFUSALS[name];
  if (known !== undefined) return known;
  const status = $metadata?.httpStatusCode ?? 0;
  if (status === 403) return `the access key may not ${operation} there (${name}). Give it the right`;
  const isLasting = status >= 400 && status < 500 && !PASSING.has(name) && !PASSING_STATUS.has(status);
  return isLasting ? `its server refuses to ${operation} (HTTP ${status} ${name})` : undefined;
}

function detailOf({ name, message, code, $metadata }: Fault): string {
  const status = $metadata?.httpStatusCode;
  if (status !== undefined) return `HTTP ${status} ${name}`;
  return message === undefined || message === "" ? `${code ?? name}` : message;
}
