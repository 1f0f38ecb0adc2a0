import PQueue from "p-queue";
import { contentDigest } from "../../client/content-digest.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { ObservedFirmware } from "../../core/policy/instance-observation.ts";
import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { FirmwareSource, ImageSource } from "../../core/schema/firmware-source.ts";
import type { FirmwareReference } from "../../core/schema/job.ts";
import type { ImportRecord, ImportRequestInput } from "../../core/wire/import.ts";
import type { FirmwareSources } from "./firmware-sources.ts";
import { SourceProblem } from "./source-problem.ts";

/** The farm's importer. */
export type ImportFirmware = (request: ImportRequestInput, signal: AbortSignal) => Promise<ImportRecord>;

/** Which firmware an instance wants. */
export interface FirmwareWish {
  readonly uid: string;
  /** Of the instance, to be told when something has changed. */
  readonly key: string;
  readonly namespace: string;
  readonly source: FirmwareSource | undefined;
  readonly board: { readonly name: string; readonly spec: BoardSpec };
  /** Digest that the same source led to before, as the status tells. */
  readonly knownSha256?: string | undefined;
}

/** Firmware in the farm's store. */
export interface ResolvedFirmware {
  readonly reference: FirmwareReference;
  readonly urls: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  readonly format?: FirmwareFormat | undefined;
}

export interface FirmwareResolver extends AsyncDisposable {
  observe(wish: FirmwareWish): { readonly seen: ObservedFirmware; readonly resolved?: ResolvedFirmware };
  /** Begins to bring the firmware into the store; `onChange` tells when that is done. */
  resolve(wish: FirmwareWish): void;
  forget(uid: string, key: string): void;
}

export interface FirmwareResolverDependencies {
  readonly importFirmware: ImportFirmware;
  readonly sources: FirmwareSources;
  readonly onChange: (key: string) => void;
  readonly clock: () => number;
}

interface Entry {
  readonly sourceKey: string;
  readonly controller: AbortController;
  failures: number;
  /** Whether nothing has been known of the instance's firmware yet. */
  isFirst: boolean;
  seen: ObservedFirmware;
  resolved?: ResolvedFirmware;
}

const IMPORTS_AT_ONCE = 16;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

export function createFirmwareResolver(dependencies: FirmwareResolverDependencies): FirmwareResolver {
  const { importFirmware, sources, onChange, clock } = dependencies;
  const entries = new Map<string, Entry>();
  const imports = new PQueue({ concurrency: IMPORTS_AT_ONCE });

  function requestsOf(wish: FirmwareWish): FileRequest[] {
    const { source, board, knownSha256 } = wish;
    if (!source) return [];
    const { format, initrd, dtb, append: _append, ...main } = source;
    const check = { board: { name: board.name, spec: board.spec }, ...(format && { format }) };
    return [
      { role: "firmware", source: main, check, knownSha256 },
      ...(initrd ? [{ role: "initrd" as const, source: initrd }] : []),
      ...(dtb ? [{ role: "dtb" as const, source: dtb }] : []),
    ];
  }

  async function run(wish: FirmwareWish, entry: Entry): Promise<void> {
    const { signal } = entry.controller;
    try {
      const records = new Map<string, ImportRecord>();
      for (const file of requestsOf(wish)) records.set(file.role, await bring(file, wish.namespace, signal));
      const resolved = resolvedOf(wish.source, records);
      if (!resolved) return;
      entry.resolved = resolved;
      entry.failures = 0;
      entry.isFirst = false;
      entry.seen = { state: "resolved", sha256: resolved.reference.sha256 };
    } catch (error) {
      // What is no error of the farm's is reported as one of its own.
      if (signal.aborted) return;
      entry.isFirst &&= !isOfFirmware(error);
      entry.seen = { ...failureOf(error, entry.failures, clock()), isFirst: entry.isFirst };
      entry.failures += 1;
    }
    onChange(wish.key);
  }

  async function bring(file: FileRequest, namespace: string, signal: AbortSignal): Promise<ImportRecord> {
    if (file.knownSha256 !== undefined) {
      try {
        return await importFirmware({ artifact: file.knownSha256, ...file.check }, signal);
      } catch (error) {
        // The store has lost it: the source is asked again.
        if (!(error instanceof FarmError && error.code === "FirmwareUnknown")) throw error;
      }
    }
    const request = await sources.read(namespace, file.source, signal);
    return await importFirmware({ ...request, ...file.check }, signal);
  }

  /** What the source is now; undefined while that is not known. */
  function sourceKeyOf(wish: FirmwareWish): string | undefined {
    const versions = requestsOf(wish).map(({ source }) => sources.versionOf(wish.namespace, source));
    if (versions.includes(undefined)) return undefined;
    return contentDigest([wish.source, wish.board, versions]);
  }

  return {
    observe(wish) {
      sources.use(
        wish.key,
        wish.namespace,
        requestsOf(wish).map(({ source }) => source),
      );
      if (!wish.source) return { seen: { state: "none" } };
      const entry = entries.get(wish.uid);
      const isFirst = entry?.isFirst ?? true;
      const sourceKey = sourceKeyOf(wish);
      if (sourceKey === undefined) return { seen: { state: "resolving", isFirst } };
      if (!entry || entry.sourceKey !== sourceKey) return { seen: { state: "unknown", isFirst } };
      return { seen: entry.seen, ...(entry.resolved && { resolved: entry.resolved }) };
    },
    resolve(wish) {
      const sourceKey = sourceKeyOf(wish);
      if (sourceKey === undefined) return;
      const before = entries.get(wish.uid);
      before?.controller.abort();
      const isAgain = before?.sourceKey === sourceKey;
      const isFirst = before?.isFirst ?? true;
      const entry: Entry = {
        sourceKey,
        controller: new AbortController(),
        failures: isAgain ? before.failures : 0,
        isFirst,
        seen: { state: "resolving", isFirst },
      };
      entries.set(wish.uid, entry);
      // A source that is not what it was leads to other bytes.
      const { knownSha256, ...fresh } = wish;
      void imports.add(() => run(before && !isAgain ? fresh : { ...fresh, knownSha256 }, entry));
    },
    forget(uid, key) {
      entries.get(uid)?.controller.abort();
      entries.delete(uid);
      sources.use(key, "", []);
    },
    async [Symbol.asyncDispose]() {
      imports.clear();
      for (const { controller } of entries.values()) controller.abort();
      await imports.onIdle();
    },
  };
}

interface FileRequest {
  readonly role: "firmware" | "initrd" | "dtb";
  readonly source: ImageSource;
  readonly check?: Pick<ImportRequestInput, "board" | "format">;
  readonly knownSha256?: string | undefined;
}

function resolvedOf(
  source: FirmwareSource | undefined,
  records: ReadonlyMap<string, ImportRecord>,
): ResolvedFirmware | undefined {
  const main = records.get("firmware");
  if (!source || !main) return undefined;
  const initrd = records.get("initrd");
  const dtb = records.get("dtb");
  return {
    reference: {
      sha256: main.sha256,
      ...(source.format && { format: source.format }),
      ...(initrd && { initrd: { sha256: initrd.sha256 } }),
      ...(dtb && { dtb: { sha256: dtb.sha256 } }),
      ...(source.append !== undefined && { append: source.append }),
    },
    urls: Object.fromEntries([...records.values()].map(({ sha256, url }) => [sha256, url])),
    sizeBytes: main.sizeBytes,
    format: main.format,
  };
}

/** A farm that is away, or in trouble, says nothing of the firmware. */
function isOfFirmware(error: unknown): boolean {
  return error instanceof SourceProblem || FarmError.from(error).class === "job";
}

/** A request that is wrong stays wrong, but what it names may change without a word to the farm. */
function failureOf(error: unknown, failures: number, nowMs: number) {
  const delayMs = isOfFirmware(error) ? LONGEST_RETRY_MS : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
  const { code, message } = FarmError.from(error);
  const problem = error instanceof SourceProblem ? error.problem : { reason: code, message };
  return { state: "failed" as const, problem, retryAtMs: nowMs + delayMs };
}
