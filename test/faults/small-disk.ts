import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/** CAP_SYS_ADMIN's number (capability.h). */
const SYS_ADMIN = 21n;

/** Whether this process may mount: a disk that can be filled takes root with its capabilities. */
export function canMount(): boolean {
  const [, effective = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return ((BigInt(`0x${effective}`) >> SYS_ADMIN) & 1n) === 1n;
}

export interface SmallDisk extends AsyncDisposable {
  /** Takes every byte that is left. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  free(): Promise<void>;
}

/** A disk of its own at this folder. */
export async function mountSmallDisk(folder: string, sizeMiB: number): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMiB}m,mode=711`, "tmpfs", folder]);
  const ballast = join(folder, "ballast");
  return {
    async fill() {
      const file = await open(ballast, "a");
      try {
        for (;;) await file.write(Buffer.alloc(4_096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        await file.close();
      }
    },
    free: () => rm(ballast),
    async [Symbol.asyncDispose]() {
      execFileSync("umount", ["-l", folder]);
    },
  };
}
