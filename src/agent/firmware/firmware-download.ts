import { setTimeout as delay } from "node:timers/promises";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Log } from "../../log/log.ts";
import type { Progress } from "../progress.ts";
import type { FirmwareCache } from "./firmware-cache.ts";

const FIRST_WAIT_MS = 50;
const LAST_WAIT_MS = 3_000;
/** A server that has sent nothing for this long is asked anew. */
const SILENCE_MS = 20_000;
/** Wrong bytes come from a broken transfer once; a server that keeps sending them has them wrong. */
const MAX_MISMATCHES = 3;

/** Brings a file into the cache. @throws {FarmError} FirmwareFetchFailed, or the reason of the progress' end */
export type FirmwareDownload = (sha256: string, url: string, progress: Progress) => Promise<void>;

interface Download {
  readonly done: Promise<void>;
  readonly controller: AbortController;
  waiters: number;
  problem: string;
}

/**
 * Fetches by signed URLs. Many attempts that need one file share one download. A server that cannot be reached is
 * tried again until the attempt's deadline, since it may only be restarting.
 */
export function createFirmwareDownload(cache: FirmwareCache, log: Log): FirmwareDownload {
  const underway = new Map<string, Download>();

  const begin = (sha256: string, url: string): Download => {
    const controller = new AbortController();
    const download: Download = {
      controller,
      waiters: 0,
      problem: "the download has not begun",
      done: Promise.resolve().then(() => downloadUntilHere(cache, sha256, url, download, log)),
    };
    underway.set(sha256, download);
    const forget = () => {
      if (underway.get(sha256) === download) underway.delete(sha256);
    };
    download.done.then(forget, forget);
    return download;
  };

  return async (sha256, url, progress) => {
    const download = underway.get(sha256) ?? begin(sha256, url);
    download.waiters += 1;
    try {
      await progress.race(download.done);
    } catch (error) {
      // A test that never began has not timed out: the farm could not bring its firmware.
      if (!(error instanceof FarmError && error.code === "JobTimeout")) throw error;
      throw new FarmError("FirmwareFetchFailed", { sha256, detail: download.problem }, { cause: error });
    } finally {
      download.waiters -= 1;
      if (download.waiters === 0) {
        underway.delete(sha256);
        download.controller.abort(new FarmError("Cancelled", { reason: "nobody waits for the firmware any more" }));
      }
    }
  };
}

async function downloadUntilHere(
  cache: FirmwareCache,
  sha256: string,
  url: string,
  download: Download,
  log: Log,
): Promise<void> {
  const { signal } = download.controller;
  let mismatches = 0;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LAST_WAIT_MS)) {
    try {
      await downloadOnce(cache, sha256, url, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      download.problem = describe(error);
      if (error instanceof FarmError && error.code === "DigestMismatch") mismatches += 1;
      if (!isWorthRetrying(error) || mismatches >= MAX_MISMATCHES) {
        throw new FarmError("FirmwareFetchFailed", { sha256, detail: download.problem }, { cause: error });
      }
      log.debug({ sha256, problem: download.problem }, "firmware is fetched again");
    }
    await delay(waitMs * (0.5 + Math.random()), undefined, { signal });
  }
}

/** The server's refusal. */
class RefusedDownload extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`the server answered ${status}: ${text}`);
    this.status = status;
  }
}

async function downloadOnce(cache: FirmwareCache, sha256: string, url: string, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const watchdog = setTimeout(() => silence.abort(new Error("the server fell silent")), SILENCE_MS);
  try {
    const answer = await fetch(url, { signal: AbortSignal.any([signal, silence.signal]), redirect: "error" });
    if (!answer.ok) throw new RefusedDownload(answer.status, (await answer.text()).slice(0, 200));
    if (!answer.body) throw new RefusedDownload(answer.status, "no body");
    await cache.put(sha256, watched(answer.body, watchdog));
  } finally {
    clearTimeout(watchdog);
  }
}

async function* watched(body: AsyncIterable<Uint8Array>, watchdog: NodeJS.Timeout): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    watchdog.refresh();
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}

function isWorthRetrying(error: unknown): boolean {
  if (error instanceof RefusedDownload) return error.status >= 500 || error.status === 408 || error.status === 429;
  return !(error instanceof FarmError) || error.code === "DigestMismatch";
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch() says "fetch failed" and hides what happened in its cause.
  return error.cause instanceof Error ? describe(error.cause) : error.message || error.name;
}
