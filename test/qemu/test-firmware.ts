import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll } from "vitest";

const run = promisify(execFile);
const KIT = join(import.meta.dirname, "../../examples/firmware");

/** Builds apps of this folder for the tests of a file; gives where an image lies. */
export function useTestFirmware(boards: readonly string[], apps: readonly string[]) {
  let folder = "";
  beforeAll(async () => {
    if (process.env.EMUFARM_FARM_QEMU_PATH === undefined) return;
    folder = await mkdtemp(join(tmpdir(), "fq-firmware-"));
    const variables = [`APP_DIR=${join(import.meta.dirname, "firmware")}`, `OUT=${folder}`];
    await run("make", ["-s", "-C", KIT, ...variables, `BOARDS=${boards.join(" ")}`, `APPS=${apps.join(" ")}`]);
  });
  afterAll(async () => {
    if (folder !== "") await rm(folder, { recursive: true, force: true });
  });
  return (board: string, app: string) => join(folder, board, `${app}.elf`);
}
