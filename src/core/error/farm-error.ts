import type { ErrorClass } from "../verdict.ts";
import { ERRORS, type ErrorCode } from "./catalogue.ts";
import type { ErrorBody } from "./error-body.ts";

type PlaceholderNames<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PlaceholderNames<Rest>
  : never;

type DetailValue = string | number;

/** What an error of this code must tell: one value for each `{name}` of its sentence; more is welcome. */
export type ErrorDetails<Code extends ErrorCode> = Record<
  PlaceholderNames<(typeof ERRORS)[Code]["sentence"]>,
  DetailValue
> &
  Record<string, DetailValue>;

/**
 * The one error type of the farm. Its code decides class, status and sentence. Needs no schema library, so that a
 * command that starts in a moment can fail in words all the same.
 */
export class FarmError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "FarmError";
  readonly code: Code;
  readonly class: ErrorClass;
  readonly status: number;
  readonly details: Record<string, DetailValue>;

  constructor(code: Code, details: ErrorDetails<Code>, options?: { cause?: unknown }) {
    super(fill(ERRORS[code].sentence, details), options);
    this.code = code;
    this.class = ERRORS[code].class;
    this.status = ERRORS[code].status;
    this.details = { ...details };
  }

  toBody(): ErrorBody {
    return { code: this.code, class: this.class, message: this.message, details: this.details };
  }

  /** Rebuilds an error that came over the wire. */
  static fromBody(body: ErrorBody): FarmError {
    return new FarmError(body.code, body.details as ErrorDetails<ErrorCode>);
  }

  /** Any thrown value as a FarmError: itself, or `Internal` with the value as its cause. */
  static from(thrown: unknown): FarmError {
    if (thrown instanceof FarmError) return thrown;
    const detail = thrown instanceof Error ? thrown.message : String(thrown);
    return new FarmError("Internal", { detail }, { cause: thrown });
  }
}

function fill(sentence: string, details: Record<string, DetailValue>): string {
  const text = sentence.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(details[name] ?? placeholder));
  // A detail may be a sentence of its own.
  return text.replace(/(?<=[?!]|[^.]\.)\.$/, "");
}
