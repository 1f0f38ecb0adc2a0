import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROJECT } from "./cli-place.ts";

/** A word, or what stands in double quotes. */
const WORD = /"([^"]*)"|(\S+)/g;

/** The commands of a section of the README, each as words, without the program's name and without comments. */
export function readmeCommands(title: string): string[][] {
  return commandsOf("README.md", `## ${title}`, /^bin\/emufarm (.*)$/gm);
}

/** The commands of a section of a page in `docs`, likewise. @param heading with its signs, as `### From your machine` */
export function docsCommands(page: string, heading: string): string[][] {
  return commandsOf(join("docs", page), heading, /^\$ emufarm (.*)$/gm);
}

function commandsOf(page: string, heading: string, command: RegExp): string[][] {
  const [, rest = ""] = readFileSync(join(PROJECT, page), "utf8").split(`\n${heading}\n`);
  const [section = ""] = rest.split(/\n##+ /);
  return [...section.matchAll(command)].map(([, line = ""]) =>
    [...line.replace(/\s+#.*$/, "").matchAll(WORD)].map(([, quoted, word]) => quoted ?? word ?? ""),
  );
}
