import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { basename, dirname } from "node:path";

/** Where a server answers. */
export type ServerAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

/** How a started process tells that it is ready: settles when it is, or when the signal aborts. */
export type Readiness = (process: StartedProcess, signal: AbortSignal) => Promise<void>;

export interface StartedProcess {
  /** Every line that the process writes, on either stream. Returns how to stop. */
  onLine(listener: (line: string) => void): () => void;
}

/** Looked again this often where neither a line nor a file told anything: slow machines, quiet processes. */
const LOOK_AGAIN_MS = 250;

/** Ready with the first line that has this in it. */
export function readyByLine(pattern: RegExp): Readiness {
  return (process, signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = process.onLine((line) => {
      if (pattern.test(line)) resolve();
    });
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(stop);
  };
}

/** Ready when /readyz says so; asked when the process says something or its socket appears. */
export function readyByHealth(address: ServerAddress): Readiness {
  return (process, signal) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let isAsking = false;
    const ask = async () => {
      if (isAsking || signal.aborted) return;
      isAsking = true;
      if (await isReady(address)) resolve();
      isAsking = false;
    };
    const stops = [process.onLine(() => void ask()), onSocket(address, () => void ask())];
    const again = setInterval(() => void ask(), LOOK_AGAIN_MS);
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(() => {
      clearInterval(again);
      for (const stop of stops) stop();
    });
  };
}

/** As `readyByHealth`, at the URL that the process writes to a file: the system chooses its port. */
export function readyAtUrlIn(file: string, onUrl: (url: URL) => void): Readiness {
  return async (process, signal) => {
    const { promise, resolve } = Promise.withResolvers<URL | undefined>();
    const look = async () => {
      // Not there yet, or not written yet.
      const text = await readFile(file, "utf8").catch(() => "");
      if (URL.canParse(text)) resolve(new URL(text));
    };
    const stop = onFile(file, () => void look());
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    await look();
    const url = await promise.finally(stop);
    if (!url) return;
    onUrl(url);
    await readyByHealth({ host: url.hostname, port: Number(url.port) })(process, signal);
  };
}

function onSocket(address: ServerAddress, listener: () => void): () => void {
  return "socketPath" in address ? onFile(address.socketPath, listener) : () => {};
}

/**
 * Tells of a file that comes or changes. The system gives each user only so many watches
 * (fs.inotify.max_user_instances), and other programs may have them all: then the file is looked for instead.
 */
function onFile(path: string, listener: () => void): () => void {
  const name = basename(path);
  try {
    const watcher = watch(dirname(path), (_event, file) => {
      if (file === name) listener();
    });
    return () => watcher.close();
  } catch (error) {
    if (!isOutOfWatches(error)) throw error;
    const again = setInterval(listener, LOOK_AGAIN_MS);
    return () => clearInterval(again);
  }
}

function isOutOfWatches(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENOSPC");
}

function isReady(address: ServerAddress): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const call = request({ ...address, path: "/readyz", timeout: 2_000 }, (answer) => {
    answer.resume();
    resolve(answer.statusCode === 200);
  });
  call.on("timeout", () => call.destroy());
  call.on("error", () => resolve(false));
  call.end();
  return promise;
}
