import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What only a main.ts may do: read the environment, end the process, listen to its signals. */
const PROCESS_ACCESS = /\bprocess\.(?:env\b|exit\b|exitCode\b|abort\b|(?:on|once|addListener|prependListener)\()/;

/**
 * Sources under src/ that do what only a main.ts may do.
 *
 * @param {string} baseFolder
 * @returns {string[]} one line for each place
 */
export function findProcessAccess(baseFolder) {
  return sourcesUnder(baseFolder, "src")
    .filter((file) => !/(^|\/)main\.ts$/.test(file))
    .flatMap((file) =>
      readFileSync(join(baseFolder, file), "utf8")
        .split("\n")
        .flatMap((line, index) => {
          const found = /^\s*(\*|\/\/)/.test(line) ? undefined : PROCESS_ACCESS.exec(line)?.[0];
          return found === undefined ? [] : [`${file}:${index + 1}: ${found.replace("(", "()")} belongs in a main.ts`];
        }),
    );
}

/**
 * Rooms (folders right under src/) that do not say what they are for.
 *
 * @param {string} baseFolder
 */
export function findRoomsWithoutReadme(baseFolder) {
  return readdirSync(join(baseFolder, "src"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !existsSync(join(baseFolder, "src", entry.name, "README.md")))
    .map(({ name }) => `src/${name} has no README.md: what is it for, what may it import, where to start reading?`);
}

/**
 * @param {string} baseFolder
 * @param {string} folder
 * @returns {string[]}
 */
function sourcesUnder(baseFolder, folder) {
  return readdirSync(join(baseFolder, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sourcesUnder(baseFolder, path);
    return path.endsWith(".ts") ? [path] : [];
  });
}
