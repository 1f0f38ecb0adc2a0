import { FarmError } from "../../core/error/farm-error.ts";

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** A fault of the file system as the error that callers of the store get; other errors as they are. */
export function toStoreError(thrown: unknown, folder: string): unknown {
  if (thrown instanceof FarmError) return thrown;
  const code = faultCode(thrown);
  if (code === undefined) return thrown;
  if (FULL.has(code)) return new FarmError("StoreFull", { folder }, { cause: thrown });
  return new FarmError("StoreUnavailable", { detail: (thrown as Error).message }, { cause: thrown });
}

/** Runs an operation on the store's folder; its faults become FarmErrors. */
export async function guardStore<Value>(folder: string, operation: () => Promise<Value>): Promise<Value> {
  try {
    return await operation();
  } catch (error) {
    throw toStoreError(error, folder);
  }
}

/** Code of a failed system call, such as ENOENT. */
export function faultCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, syscall } = thrown as NodeJS.ErrnoException;
  return syscall === undefined ? undefined : code;
}

export const isMissing = (thrown: unknown): boolean => faultCode(thrown) === "ENOENT";
export const isPresent = (thrown: unknown): boolean => faultCode(thrown) === "EEXIST";
