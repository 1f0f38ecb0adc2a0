import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { qemuBuildPrefix, qemuBuildsFolder, qemuInputs, RECIPE } from "../../../src/cli/farm/farm-qemu.ts";
import { findProgram } from "../../../src/cli/up/program-path.ts";
import { CliPlace, PROJECT } from "../cli-place.ts";

let place: CliPlace;
beforeEach((context) => {
  place = new CliPlace();
  const stock = findProgram("qemu-system-arm", process.env.PATH);
  if (stock === undefined) return context.skip("qemu-system-arm is not installed");
  makeBuild(stock);
});
afterEach(() => place[Symbol.dispose]());

/** A build from the present sources, as far as emufarm can tell: the stock emulator under a version of its own. */
function makeBuild(stock: string): void {
  const inputs = qemuInputs(join(PROJECT, "images/qemu"));
  const build = join(qemuBuildsFolder(join(place.folder, "cache")), `${qemuBuildPrefix(inputs)}00000000`);
  mkdirSync(join(build, "bin"), { recursive: true });
  const script = `#!/bin/sh
case "$*" in --version) echo "QEMU emulator version 99.0.0 (emufarm 1)"; exit ;; esac
exec ${stock} "$@"
`;
  writeFileSync(join(build, "bin/qemu-system-arm"), script, { mode: 0o755 });
  const binaries = [{ name: "qemu-system-arm", bytes: Buffer.byteLength(script), sha256: "" }];
  writeFileSync(join(build, "manifest.json"), JSON.stringify({ recipe: RECIPE, inputs, version: "99", binaries }));
}

async function emulatorVersion(env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await place.run(["boards", "--json"], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const boards = JSON.parse(stdout) as { name: string; emulator?: { version: string } }[];
  return boards.find(({ name }) => name === "mps2-an385")?.emulator?.version ?? "none";
}

test("A call without a farm runs the farm's own QEMU where it is built, and stock QEMU when asked to", async () => {
  const own = await emulatorVersion({ EMUFARM_QEMU_PATH: (process.env.PATH ?? "").split(delimiter)[0] ?? "" });
  const stock = await emulatorVersion({ EMUFARM_QEMU: "stock" });
  expect(own).toBe("99.0.0");
  expect(stock).toMatch(/^\d+\.\d+\.\d+/);
  expect(stock).not.toBe(own);
});

test("A farm takes the farm's own QEMU where it is built", async () => {
  const up = place.start(["up", "--port", "0"]);
  await up.said("emufarm is up");
  expect(await emulatorVersion()).toBe("99.0.0");
  up.signal("SIGINT");
  await up.result;
});
