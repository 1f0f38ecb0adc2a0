import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder with programs that stand in for emulators, for what real ones cannot be made to do. */
export interface StandIns extends AsyncDisposable {
  readonly folder: string;
  /** Writes an executable shell script; returns its path. */
  script(name: string, lines: string): Promise<string>;
}

export async function createStandIns(): Promise<StandIns> {
  const folder = await mkdtemp(join(tmpdir(), "stand-in-"));
  await chmod(folder, 0o755);
  return {
    folder,
    async script(name, lines) {
      const path = join(folder, name);
      await writeFile(path, `#!/bin/sh\n${lines}\n`);
      await chmod(path, 0o755);
      return path;
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
