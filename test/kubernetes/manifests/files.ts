import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { Manifest } from "./manifest-builders.ts";

const manifests = join(import.meta.dirname, "../../../manifests");

/** Files of a folder under manifests/, each with its objects. `kubectl` reads YAML 1.1. */
export function manifestFiles(folder: "boards" | "examples") {
  return readdirSync(join(manifests, folder))
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => {
      const path = join(manifests, folder, name);
      const documents = parseAllDocuments(readFileSync(path, "utf8"), { version: "1.1" });
      return { name, path, objects: documents.map((document) => document.toJS() as Manifest) };
    });
}
