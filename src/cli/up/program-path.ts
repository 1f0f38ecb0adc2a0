import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program, as a shell would find it. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  return (path ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        // Not here: the next folder may have it.
        return false;
      }
    });
}
