import { SetupError, say } from "./say.mjs";

/** What `npm run SCRIPT -- COMMAND ARGUMENTS...` can do: each settles with the exit code, or with nothing for 0. */
export type Commands = Readonly<Record<string, (...args: string[]) => Promise<number | undefined>>>;

/**
 * Carries out the command of this process' command line, and sets its exit code: 2 where it cannot be done, with a line
 * that says why.
 * @param usual the command where none is given; none: one must be
 * @param help what `--help` prints, anywhere on the command line
 */
export async function runCommand(commands: Commands, usual = "", help = ""): Promise<void> {
  const [command = usual, ...args] = process.argv.slice(2);
  await orSay(async () => {
    if (help !== "" && [command, ...args].some((word) => word === "--help" || word === "-h")) {
      process.stdout.write(help);
      return 0;
    }
    const action = Object.hasOwn(commands, command) ? commands[command] : undefined;
    if (action === undefined) throw new SetupError(`which command? One of: ${Object.keys(commands).join(", ")}`);
    return action(...args);
  });
}

/** Does it, or says in a line why it cannot be done. */
export async function orSay(action: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await action()) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 2;
  }
}

/** Says why the answer is no: exit code 1. */
export function fail(line: string): number {
  say(line);
  return 1;
}
