import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Lines of a list in a folder of `images`, without comments; none where there is no such list. */
export function listOf(images: string, set: string, list: "packages" | "keep"): string[] {
  const file = join(images, set, list);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}
