import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { EXIT } from "./exit-code.ts";
import { addConsole, addEmulatorCommands, addPinCommands } from "./program/guest-commands.ts";
import { addObjects } from "./program/instance-commands.ts";
import { addQuestions } from "./program/question-commands.ts";
import { addFarmCommands, addRun } from "./program/run-commands.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Reads the command line and carries the command out. What a command needs is loaded when it is called, so that
 * `emufarm run` need not wait for what `emufarm up` is made of.
 * @returns the exit code
 */
export async function runProgram(surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.passed;
  const program = new Command("emufarm");
  const does =
    <Given extends unknown[]>(load: () => Promise<(surroundings: Surroundings, ...given: Given) => Promise<number>>) =>
    async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      // An option that `boards` has as well as `boards add` is kept by the former, wherever it stands.
      const args = [...given.slice(0, -2), command.optsWithGlobals(), command];
      exitCode = await (await load())(surroundings, ...(args as Given));
    };
  program
    .description("Runs firmware on emulated boards, one or ten thousand at a time.")
    .version(versionOf(surroundings.project.folder))
    .configureOutput({
      writeOut: (text) => surroundings.stdout.write(text),
      writeErr: (text) => surroundings.stderr.write(text.replace(/^error: /, "emufarm: ")),
    })
    .showHelpAfterError("(emufarm COMMAND --help tells more)")
    .exitOverride((error) => {
      throw error;
    });

  addRun(program, does);
  addFarmCommands(program, does);
  addQuestions(program, does);
  addObjects(program, does);
  addEmulatorCommands(program, does);
  addConsole(program, does);
  addPinCommands(program, does);
  try {
    await program.parseAsync(surroundings.args, { from: "user" });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    return error.exitCode === 0 ? EXIT.passed : EXIT.badRequest;
  }
  return exitCode;
}

function versionOf(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return version;
}

function isCommanderError(error: unknown): error is Error & { exitCode: number } {
  return (
    error instanceof Error && "exitCode" in error && "code" in error && String(error.code).startsWith("commander.")
  );
}
