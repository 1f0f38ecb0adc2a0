import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { artifactName } from "../../core/wire/artifact.ts";

/** Writes a file that a test has made into a folder, which is made where it is missing. Returns its path. */
export async function saveArtifact(folder: string, name: string, bytes: AsyncIterable<Uint8Array>): Promise<string> {
  // The name came over the network: only one that stays within the folder is a name.
  const path = join(folder, artifactName.parse(name));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** Folders for the artifacts of jobs: by board and name, with a number where two jobs have the same. */
export function createJobFolders(root: string): (job: { readonly name: string; readonly board: string }) => string {
  const used = new Set<string>();
  return ({ name, board }) => {
    const wanted = join(root, board, name.replaceAll(/[^A-Za-z0-9._#-]+/g, "-").replace(/^\.+/, "") || "test");
    let folder = wanted;
    for (let number = 2; used.has(folder); number += 1) folder = `${wanted}-${number}`;
    used.add(folder);
    return folder;
  };
}
