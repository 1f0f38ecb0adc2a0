import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toolchain } from "./build.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** True where the compiler and the linker of the board are those that made `examples/images`: they give the same bytes. */
export async function hasRecordedToolchain(board: string): Promise<boolean> {
  const recorded = versionsIn(readFileSync(join(EXAMPLES, "images/TOOLCHAIN"), "utf8"));
  const installed = versionsIn(await toolchain());
  return compilersOf(board).every((tool) => installed.get(tool) === recorded.get(tool));
}

/** Lines such as `avr-gcc: avr-gcc (GCC) 5.4.0`, by the tool. */
function versionsIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\S+): (.+)$/gm)].map(([, tool = "", version = ""]) => [tool, version]));
}

/** The compiler and the linker of a board, as its files in the firmware kit name them. */
function compilersOf(board: string): string[] {
  const cpu = variable(`boards/${board}.mk`, "cpu");
  const cross = variable(`cpu/${cpu}.mk`, "cross");
  return [`${cross}gcc`, `${cross}ld`];
}

function variable(file: string, name: string): string {
  const text = readFileSync(join(EXAMPLES, "firmware", file), "utf8");
  const value = new RegExp(`^${name} := (\\S+)$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`${file} does not set ${name}`);
  return value;
}
