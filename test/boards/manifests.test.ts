import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { readBoards } from "./manifests.ts";

const MANIFESTS = join(import.meta.dirname, "../../manifests");

/** What a file says to a reader of this version of YAML. */
function read(path: string, version: "1.1" | "1.2"): unknown[] {
  const documents = parseAllDocuments(readFileSync(join(MANIFESTS, path), "utf8"), { version });
  return [...documents].map((document) => document.toJS());
}

test.for(globSync("{boards,examples}/**/*.yaml", { cwd: MANIFESTS }).sort())(
  "%s says to kubectl, which reads YAML 1.1, what it says to the farm",
  (path) => {
    expect(read(path, "1.1")).toEqual(read(path, "1.2"));
  },
);

test.for(readBoards().map(({ metadata, spec }) => [metadata.name, spec.boot] as const))(
  "%s says why it is not recycled or takes no snapshot, and nothing against a start that it is proven for",
  ([, { proven, unproven }]) => {
    const explained = (["recycle", "snapshot"] as const).filter((way) => proven.includes(way) || unproven[way]);
    expect(explained).toEqual(["recycle", "snapshot"]);
    for (const way of proven) expect(unproven).not.toHaveProperty(way);
  },
);
