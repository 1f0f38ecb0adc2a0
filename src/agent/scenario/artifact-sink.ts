/** A file that grows while the test runs. */
export interface ArtifactWriter {
  /** @throws {FarmError} ArtifactLimit, StoreFull */
  write(chunk: Uint8Array | string): void;
  close(): void;
}

/** Where what runs in an attempt puts files that people want to see afterwards. */
export interface ArtifactSink {
  /** A whole file; one of that name that was there before is replaced. @throws {FarmError} ArtifactLimit, StoreFull */
  write(name: string, mediaType: string, bytes: Uint8Array | string): void;
  /** A file that grows. Whoever does not close it has it closed at the attempt's end. */
  open(name: string, mediaType: string): ArtifactWriter;
}
