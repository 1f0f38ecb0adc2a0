import { Session } from "node:inspector/promises";

const SOURCES = /\/src\/(agent|client|core|document|pattern)\//;

/** Which bytes of the sources have been run, in this thread. */
export class Coverage implements AsyncDisposable {
  readonly #session: Session;
  readonly #run = new Map<string, Uint8Array>();

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    return new Coverage(session);
  }

  /** Whether code was run since the last question that had not been run before; kept in mind only if asked to. */
  async hasGrown({ isKept }: { readonly isKept: boolean }): Promise<boolean> {
    const { result } = await this.#session.post("Profiler.takePreciseCoverage");
    let hasGrown = false;
    for (const { url, functions } of result) {
      if (!SOURCES.test(url)) continue;
      const ranges = functions.flatMap((one) => one.ranges);
      const now = runBytes(ranges);
      const before = this.#run.get(url) ?? new Uint8Array(now.length);
      hasGrown = merge(before, now, isKept) || hasGrown;
      if (isKept) this.#run.set(url, before);
    }
    return hasGrown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.post("Profiler.stopPreciseCoverage");
    this.#session.disconnect();
  }
}

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** Outer ranges come before those within them. */
function runBytes(ranges: readonly Range[]): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, ...ranges.map(({ endOffset }) => endOffset)));
  for (const { startOffset, endOffset, count } of ranges) bytes.fill(count > 0 ? 1 : 0, startOffset, endOffset);
  return bytes;
}

function merge(before: Uint8Array, now: Uint8Array, isKept: boolean): boolean {
  let hasGrown = false;
  for (let at = 0; at < now.length; at += 1) {
    if (now[at] === 0 || before[at] === 1) continue;
    hasGrown = true;
    if (!isKept) return true;
    before[at] = 1;
  }
  return hasGrown;
}
