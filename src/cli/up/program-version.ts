import { execa } from "execa";

const ANSWER_MS = 5_000;

/** What a program says of its version, the first line; undefined where it says nothing within 5 s. */
export async function programVersion(file: string): Promise<string | undefined> {
  const { failed, stdout } = await execa(file, ["--version"], { stdin: "ignore", reject: false, timeout: ANSWER_MS });
  return failed ? undefined : stdout.split("\n")[0]?.trim();
}
