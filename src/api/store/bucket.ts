import type { Readable } from "node:stream";

/** A file that is to become an object. */
export interface ObjectSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Of the file's bytes, in hex: the bucket takes no others. */
  readonly sha256: string;
}

export interface ObjectFact {
  readonly key: string;
  /** By the clock of the bucket's server. */
  readonly modifiedMs: number;
}

/**
 * A bucket, or the part of one under a prefix: keys are without it. An object is there whole or not at all.
 *
 * Every method may throw FarmError BucketUnavailable (it goes by) or BucketRefused (somebody has to do something).
 */
export interface Bucket extends Disposable {
  /** Where it is, for people: `s3://bucket/prefix at https://endpoint`. */
  readonly place: string;
  putFile(key: string, source: ObjectSource, signal: AbortSignal): Promise<void>;
  putText(key: string, text: string): Promise<void>;
  /** Undefined where there is no such object. A failure on the way is the stream's. */
  open(key: string, offset?: number): Promise<Readable | undefined>;
  /** One that is not there is fine. */
  delete(key: string): Promise<void>;
  /** Objects whose keys begin so, page by page. */
  list(start: string): AsyncIterable<readonly ObjectFact[]>;
}
