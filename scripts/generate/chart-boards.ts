import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Generated } from "../generate.ts";
import { projectFolder } from "../setup/folders.mjs";

const FROM = "manifests/boards";
const FOLDER = "charts/emufarm/boards";

/** A chart can hold nothing that lies outside its folder. */
export function generateChartBoards(): Generated {
  const names = readdirSync(join(projectFolder, FROM)).filter((name) => name.endsWith(".yaml"));
  const files = names.map((name): [string, string] => {
    const text = readFileSync(join(projectFolder, FROM, name), "utf8");
    return [`${FOLDER}/${name}`, `# Copied by npm run generate from ${FROM}.\n${text}`];
  });
  return { folder: FOLDER, files: new Map(files) };
}
