import { execFile } from "node:child_process";

const ANSWER_MS = 5_000;

/** What a program says of its version, the first line; undefined where it says nothing within 5 s. */
export function programVersion(file: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  execFile(file, ["--version"], { timeout: ANSWER_MS }, (error, output) =>
    resolve(error ? undefined : output.split("\n")[0]?.trim()),
  );
  return promise;
}
