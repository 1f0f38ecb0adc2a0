import { open, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { INLINE_LOG_BYTES } from "../../core/wire/attempt.ts";
import { discard, type TemporaryNames } from "./atomic-file.ts";
import type { Blobs } from "./blobs.ts";
import type { StoreLayout } from "./store-layout.ts";
import type { VerdictFiles } from "./verdict-files.ts";
import type { VerdictJournal } from "./verdict-journal.ts";

interface LogName {
  readonly jobId: string;
  readonly attempt: number;
  readonly uart: string;
}

interface LogFilesDependencies {
  readonly layout: StoreLayout;
  readonly temporary: TemporaryNames;
  readonly verdicts: VerdictFiles;
  readonly journal: VerdictJournal;
  readonly blobs: Blobs;
}

/** Logs of UARTs: a blob each, or within the verdict where they are small. */
export interface LogFiles {
  write(log: LogName, bytes: Readable | Uint8Array): Promise<void>;
  open(log: LogName, offset: number): Promise<Readable | undefined>;
}

export function createLogFiles({ layout, temporary, verdicts, journal, blobs }: LogFilesDependencies): LogFiles {
  return {
    async write(log, bytes) {
      const path = layout.log(log);
      await verdicts.ensureFolder(dirname(path));
      const part = temporary.next();
      const isShort = bytes instanceof Uint8Array && bytes.length <= INLINE_LOG_BYTES;
      try {
        if (bytes instanceof Uint8Array) await writeFile(part, bytes);
        else await pipeline(bytes, (await open(part, "w")).createWriteStream());
        if (isShort) await rename(part, path);
        else await blobs.place(path, () => rename(part, path));
      } catch (error) {
        await discard(part);
        throw error;
      }
      if (isShort) journal.append(path, Buffer.from(bytes));
      else journal.syncSoon(path);
    },

    async open(log, offset) {
      const blob = await blobs.open(layout.log(log), offset);
      if (blob) return blob.bytes;
      const inline = await verdicts.readInlineLog(log);
      return inline && Readable.from([inline.subarray(offset)], { objectMode: false });
    },
  };
}
