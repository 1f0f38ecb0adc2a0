import { execa } from "execa";

const TIMEOUT_MS = 20_000;
const MAX_CHARACTERS = 1024 * 1024;

export interface ProgramOutput {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end and takes what it says; rejects when it cannot be started. Killed after 20 s. */
export async function programOutput(program: string, args: readonly string[]): Promise<ProgramOutput> {
  const result = await execa(program, args, {
    stdin: "ignore",
    reject: false,
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_CHARACTERS,
    stripFinalNewline: false,
  });
  const wasStarted = result.exitCode !== undefined || result.signal !== undefined;
  if (!wasStarted && !result.isMaxBuffer) throw result;
  return { code: result.exitCode ?? null, stdout: result.stdout, stderr: result.stderr };
}
