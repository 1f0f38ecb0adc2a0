import type { FarmError } from "../../core/error/farm-error.ts";

/** An error's sentence with its code; one whose problems have codes of their own (`codes` in its details) needs no other. */
export function errorText({ message, code, details }: FarmError): string {
  return details.codes === undefined ? `${message} [${code}]` : message;
}
