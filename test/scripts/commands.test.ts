import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const IMAGES = join(import.meta.dirname, "../../scripts/images.ts");

it.each([[["--help"]], [["build", "--help"]]])(
  "npm run images -- %j tells what can be done, and does nothing",
  (args) => {
    const said = execFileSync(process.execPath, [IMAGES, ...args], { encoding: "utf8" });
    expect(said).toMatch(/^npm run images -- COMMAND\n/);
    expect(said).toMatch(/^push REGISTRY\/PATH /m);
  },
);
