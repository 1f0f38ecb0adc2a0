import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { farmQemuFinding } from "../../../src/cli/command/doctor-emulators.ts";
import { type EmulatorPlace, withFarmQemu } from "../../../src/cli/farm/emulator-path.ts";
import {
  type QemuManifest,
  qemuBuildPrefix,
  qemuBuildsFolder,
  qemuInputs,
  RECIPE,
} from "../../../src/cli/farm/farm-qemu.ts";
import type { Surroundings } from "../../../src/cli/surroundings.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "emulator-path-"));
  for (const path of ["images/qemu/patches", "images/qemu/devices", "cache"]) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  change("patches/series", "one.patch\n");
  for (const name of ["patches/one.patch", "configure-flags", "source.json", "devices/avr.mak"]) change(name, "1");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function change(name: string, text: string): void {
  writeFileSync(join(folder, "images/qemu", name), text);
}

function makeBuild(changed: Partial<QemuManifest> = {}): string {
  const inputs = qemuInputs(join(folder, "images/qemu"));
  const build = join(qemuBuildsFolder(join(folder, "cache")), `${qemuBuildPrefix(inputs)}00000000`);
  mkdirSync(join(build, "bin"), { recursive: true });
  writeFileSync(join(build, "bin/qemu-system-avr"), "program");
  const binaries = [{ name: "qemu-system-avr", bytes: "program".length, sha256: "" }];
  const manifest = { recipe: RECIPE, inputs, version: "1:10.0.1", compiler: "gcc", binaries, ...changed };
  writeFileSync(join(build, "manifest.json"), JSON.stringify(manifest));
  return build;
}

function placeWith(env: Record<string, string>): EmulatorPlace {
  const project = { folder } as Surroundings["project"];
  const all = { EMUFARM_CACHE: join(folder, "cache"), ...env };
  return { env: all, uid: 1000, home: "/home/me", cwd: "/", project };
}

function searchPath(env: Record<string, string> = {}): string | undefined {
  return withFarmQemu(placeWith(env)).EMUFARM_QEMU_PATH;
}

const doctor = (env: Record<string, string> = {}) => farmQemuFinding(placeWith(env));

describe("the farm's own QEMU", () => {
  test("comes before all other emulators where it is built", () => {
    const build = makeBuild();
    expect([searchPath(), searchPath({ EMUFARM_QEMU_PATH: "/newer:/other" })]).toEqual([
      `${build}/bin`,
      `${build}/bin:/newer:/other`,
    ]);
    expect(doctor()).toMatchObject({ level: "ok", text: `1:10.0.1, built in ${build}` });
  });

  test("is left out when EMUFARM_QEMU says stock", () => {
    makeBuild();
    expect(searchPath({ EMUFARM_QEMU: "stock", EMUFARM_QEMU_PATH: "/newer" })).toBe("/newer");
    expect(doctor({ EMUFARM_QEMU: "stock" })).toMatchObject({
      level: "ok",
      text: "not used, as EMUFARM_QEMU=stock says",
    });
  });

  test("is not missed where it was never built", () => {
    expect(searchPath({ EMUFARM_QEMU_PATH: "/newer" })).toBe("/newer");
    expect(doctor()).toMatchObject({ level: "ok", text: expect.stringContaining("not built") });
    expect(doctor().advice).toContain("npm run qemu");
  });
});

describe("a build that does not fit is left out, and doctor says why and what to type", () => {
  test.each<{ name: string; spoil: () => void; words: string }>([
    {
      name: "from other patches",
      spoil: () => {
        makeBuild();
        change("patches/one.patch", "2");
      },
      words: "was built from other sources than",
    },
    {
      name: "from other devices",
      spoil: () => {
        makeBuild();
        change("devices/arm.mak", "1");
      },
      words: "was built from other sources than",
    },
    {
      name: "whose sources lack a patch that they name",
      spoil: () => {
        makeBuild();
        change("patches/series", "one.patch\ntwo.patch\n");
      },
      words: "images/qemu, cannot be read",
    },
    {
      name: "whose manifest names another digest",
      spoil: () => makeBuild({ inputs: "f".repeat(64) }),
      words: `its manifest has digest ${"f".repeat(64)}, expected `,
    },
    {
      name: "whose manifest is cut short",
      spoil: () => writeFileSync(join(makeBuild(), "manifest.json"), '{"recipe"'),
      words: "cannot be read",
    },
    {
      name: "with a program that was cut short",
      spoil: () => writeFileSync(join(makeBuild(), "bin/qemu-system-avr"), "prog"),
      words: "is not as it was built: qemu-system-avr has 4 bytes, expected 7",
    },
    {
      name: "with a program that is gone",
      spoil: () => rmSync(join(makeBuild(), "bin/qemu-system-avr")),
      words: "qemu-system-avr is missing",
    },
  ])("$name", ({ spoil, words }) => {
    spoil();
    expect(searchPath()).toBeUndefined();
    expect(doctor()).toMatchObject({ level: "warn", text: expect.stringContaining(words) });
    expect(doctor().advice).toContain("npm run qemu");
  });
});
