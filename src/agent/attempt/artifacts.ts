import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { type AttemptArtifact, artifactSegment } from "../../core/wire/artifact.ts";
import type { ArtifactSink, ArtifactWriter } from "../scenario/artifact-sink.ts";

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 100;

interface OpenFile {
  readonly mediaType: string;
  fd: number | undefined;
  bytes: number;
}

/**
 * The files of an attempt, in a folder that is made with the first one. Written into the page cache at once, so that
 * all is there when the verdict is told.
 */
export class Artifacts implements ArtifactSink, Disposable {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #files = new Map<string, OpenFile>();

  constructor(folder: string, maxBytes = MAX_BYTES) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  get list(): AttemptArtifact[] {
    return [...this.#files].map(([name, { mediaType, bytes }]) => ({ name, mediaType, bytes }));
  }

  write(name: string, mediaType: string, bytes: Uint8Array | string): void {
    const writer = this.open(name, mediaType);
    try {
      writer.write(bytes);
    } finally {
      writer.close();
    }
  }

  open(name: string, mediaType: string): ArtifactWriter {
    this.#close(this.#files.get(name));
    if (!this.#files.has(name) && this.#files.size >= MAX_FILES) throw this.#limitReached();
    const file: OpenFile = { mediaType, bytes: 0, fd: this.#make(name) };
    this.#files.set(name, file);
    return { write: (chunk) => this.#append(file, chunk), close: () => this.#close(file) };
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) this.#close(file);
  }

  #make(name: string): number {
    return this.#guard(() => {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      return openSync(artifactPath(this.#folder, name), "w", 0o600);
    });
  }

  #append(file: OpenFile, chunk: Uint8Array | string): void {
    const { fd } = file;
    if (fd === undefined) return;
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    const total = [...this.#files.values()].reduce((sum, one) => sum + one.bytes, 0);
    if (total + bytes.length > this.#maxBytes) throw this.#limitReached();
    for (let done = 0; done < bytes.length; ) {
      const written = this.#guard(() => writeSync(fd, bytes, done));
      done += written;
      file.bytes += written;
    }
  }

  #close(file: OpenFile | undefined): void {
    if (file?.fd === undefined) return;
    closeSync(file.fd);
    file.fd = undefined;
  }

  #limitReached(): FarmError {
    return new FarmError("ArtifactLimit", { limitBytes: this.#maxBytes, limitFiles: MAX_FILES });
  }

  #guard<Value>(write: () => Value): Value {
    try {
      return write();
    } catch (cause) {
      throw new FarmError("StoreFull", { folder: this.#folder }, { cause });
    }
  }
}

/** Folder of an attempt's files, within that of its logs. */
export function artifactFolder(logFolder: string): string {
  return join(logFolder, "artifacts");
}

export function artifactPath(folder: string, name: string): string {
  return join(folder, artifactSegment(name));
}
