import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { discard, type TemporaryNames } from "./atomic-file.ts";
import type { Blobs } from "./blobs.ts";
import type { StoreLayout } from "./store-layout.ts";
import type { VerdictFiles } from "./verdict-files.ts";
import type { VerdictJournal } from "./verdict-journal.ts";

export interface ArtifactPlace {
  readonly jobId: string;
  readonly attempt: number;
  readonly name: string;
}

/** Files that tests made, each a blob beside the verdict. */
export interface ArtifactFiles {
  write(artifact: ArtifactPlace, bytes: Readable): Promise<void>;
  open(artifact: ArtifactPlace): Promise<Readable | undefined>;
}

export function createArtifactFiles({
  layout,
  temporary,
  verdicts,
  journal,
  blobs,
}: {
  readonly layout: StoreLayout;
  readonly temporary: TemporaryNames;
  readonly verdicts: VerdictFiles;
  readonly journal: VerdictJournal;
  readonly blobs: Blobs;
}): ArtifactFiles {
  return {
    async write(artifact, bytes) {
      const path = layout.artifact(artifact);
      await verdicts.ensureFolder(dirname(path));
      const part = temporary.next();
      try {
        await pipeline(bytes, (await open(part, "w")).createWriteStream());
        await blobs.place(path, () => rename(part, path));
      } catch (error) {
        await discard(part);
        throw error;
      }
      journal.syncSoon(path);
    },

    async open(artifact) {
      return (await blobs.open(layout.artifact(artifact)))?.bytes;
    },
  };
}
