import { jsonText } from "../qmp/json-text.ts";
import type { QmpSession } from "../qmp/qmp-session.ts";

/** Names of QEMU's migration status (QAPI MigrationStatus) after which nothing more happens. */
const COMPLETED = "completed";
const FAILED: readonly unknown[] = ["failed", "cancelled"];

export interface MigrationOptions {
  /** Path of the file; relative to the emulator's working folder, or absolute. */
  readonly path: string;
  /** RAM stays where it is, in a file of its own. */
  readonly isTemplate: boolean;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** Writes the state of a stopped guest to a file. @throws {FarmError} QmpFailed; Error where QEMU says it failed */
export async function saveState(qmp: QmpSession, { path, isTemplate, signal }: MigrationOptions): Promise<void> {
  await Promise.all([
    setCapabilities(qmp, isTemplate),
    // Full speed: nobody else uses the disk for it.
    qmp.execute("migrate-set-parameters", { "max-bandwidth": Number.MAX_SAFE_INTEGER }),
  ]);
  await completed(qmp, "migrate", path, signal);
}

/** Reads the state of a guest from a file, into an emulator that was started for it. Sent all at once. */
export async function loadState(qmp: QmpSession, { path, isTemplate, signal }: MigrationOptions): Promise<void> {
  await Promise.all([setCapabilities(qmp, isTemplate), completed(qmp, "migrate-incoming", path, signal)]);
}

function setCapabilities(qmp: QmpSession, isTemplate: boolean): Promise<unknown> {
  return qmp.execute("migrate-set-capabilities", {
    capabilities: [
      { capability: "events", state: true },
      { capability: "x-ignore-shared", state: isTemplate },
    ],
  });
}

async function completed(
  qmp: QmpSession,
  command: "migrate" | "migrate-incoming",
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = qmp.onEvent(({ event, data }) => {
    if (event !== "MIGRATION") return;
    if (data.status === COMPLETED) resolve();
    else if (FAILED.includes(data.status)) reject(new Error(`${command} ended as ${jsonText(data.status)}`));
  });
  void qmp.closed.then(() => reject(new Error(`the emulator ended during ${command}`)));
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  // It may end while the command is still under way; whoever waits below gets it.
  promise.catch(() => {});
  try {
    await qmp.execute(command, { uri: `file:${path}` });
    await promise;
  } finally {
    stop();
    signal.removeEventListener("abort", onAbort);
  }
}
