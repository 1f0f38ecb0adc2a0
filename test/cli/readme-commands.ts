import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./cli-place.ts";

/** A word, or what stands in double quotes. */
const WORD = /"([^"]*)"|(\S+)/g;

/** The commands of a section of the README, each as words, without the program's name and without comments. */
export function readmeCommands(title: string): string[][] {
  const [, rest = ""] = readFileSync(join(PROJECT, "README.md"), "utf8").split(`## ${title}\n`);
  const [section = ""] = rest.split("\n## ");
  return [...section.matchAll(/^bin\/emufarm (.*)$/gm)].map(([, line = ""]) =>
    [...line.replace(/\s+#.*$/, "").matchAll(WORD)].map(([, quoted, word]) => quoted ?? word ?? ""),
  );
}
