import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { adviceLine } from "../../scripts/setup/apt.mjs";
import { mirrorOf, parseAptSources } from "../../scripts/setup/apt-sources.mjs";
import { bundleStamp } from "../../scripts/setup/bundle.mjs";
import { parseOsRelease } from "../../scripts/setup/distribution.mjs";
import { cacheFolder } from "../../scripts/setup/folders.mjs";
import { newerQemuFolder, newerQemuPlan } from "../../scripts/setup/newer-qemu.mjs";
import { makeFolder, plannedPackages } from "../../scripts/setup/private-apt.mjs";
import { machineAt, missingPackages, requirements } from "../../scripts/setup/system-packages.mjs";

const release = (id: string, version: string, codename = "") =>
  parseOsRelease(`ID=${id}\nVERSION_ID="${version}"\nVERSION_CODENAME=${codename}\nPRETTY_NAME="The ${id} ${version}"`);
const bookworm = release("debian", "12", "bookworm");
const trixie = release("debian", "13", "trixie");
const bareMachine = { hasCommand: () => false, hasFile: () => false };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the distribution", () => {
  test("is read from os-release, quoted or not", () => {
    expect(bookworm).toEqual({ id: "debian", version: 12, codename: "bookworm", title: "The debian 12" });
  });

  test("is unknown where there is no os-release", () => {
    expect(parseOsRelease("")).toMatchObject({ id: "unknown", version: Number.NaN });
  });
});

describe("packages that npm start asks for", () => {
  test.each([
    { distribution: bookworm, riscv: "qemu-system-misc" },
    { distribution: trixie, riscv: "qemu-system-riscv" },
    { distribution: release("debian", ""), riscv: "qemu-system-riscv" },
    { distribution: release("ubuntu", "22.04"), riscv: "qemu-system-misc" },
    { distribution: release("ubuntu", "24.04"), riscv: "qemu-system-misc" },
  ])("on $distribution.title have the RISC-V emulators in $riscv", ({ distribution, riscv }) => {
    const all = new Set(["qemu-system-arm", riscv, "qemu-system-misc", "qemu-system-x86", "redis-server", "opensbi"]);
    expect(missingPackages(requirements.start, distribution, bareMachine)).toEqual([...all]);
  });

  test("hold no compiler", () => {
    expect(missingPackages(requirements.start, bookworm, bareMachine).join(" ")).not.toContain("gcc");
  });

  test("are none where everything is there", () => {
    expect(missingPackages(requirements.test, bookworm, { hasCommand: () => true, hasFile: () => true })).toEqual([]);
  });

  test("need no Redis where Valkey is there", () => {
    const machine = { hasCommand: (name: string) => name === "valkey-server", hasFile: () => false };
    expect(missingPackages(requirements.start, trixie, machine)).not.toContain("redis-server");
  });
});

test("A command counts as there when one of the folders of PATH has it as a program", () => {
  mkdirSync(join(folder, "bin"));
  for (const name of ["tool", "notes"]) writeFileSync(join(folder, "bin", name), "");
  chmodSync(join(folder, "bin/tool"), 0o755);
  mkdirSync(join(folder, "bin/directory"));
  const machine = machineAt(`/nowhere::${folder}/bin`);
  expect(["tool", "notes", "directory", "absent"].map(machine.hasCommand)).toEqual([true, false, false, false]);
});

test("Without root and sudo one line says what to type", () => {
  const line = adviceLine(["qemu-system-arm", "redis-server"], true);
  expect(line).toBe(
    "missing: qemu-system-arm redis-server. " +
      "Type: sudo apt-get update && sudo apt-get install -y --no-install-recommends qemu-system-arm redis-server",
  );
  expect(adviceLine(["redis-server"], false)).not.toContain("apt-get");
});

describe("the cache folder", () => {
  test.each([
    { name: "root's, which every uid may enter", env: {}, uid: 0, expected: "/var/cache/emufarm" },
    { name: "a user's", env: {}, uid: 1000, expected: "/home/me/.cache/emufarm" },
    { name: "a user's with XDG", env: { XDG_CACHE_HOME: "/big" }, uid: 1000, expected: "/big/emufarm" },
    { name: "what EMUFARM_CACHE says", env: { EMUFARM_CACHE: "/mine" }, uid: 0, expected: "/mine" },
  ])("is $name", ({ env, uid, expected }) => {
    expect(cacheFolder(env, uid, "/home/me")).toBe(expected);
  });
});

describe("the sources of apt", () => {
  test("are read in the one-line format", () => {
    const text =
      "# deb http://old old main\ndeb [arch=amd64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib\n";
    expect(parseAptSources("sources.list", text)).toEqual([
      { uri: "http://mirror/debian", suites: ["bookworm"], components: ["main", "contrib"], signedBy: "/k.gpg" },
    ]);
  });

  test("are read in the deb822 format, without those switched off", () => {
    const text = `Types: deb deb-src
# a comment
URIs: http://mirror/debian
Suites: trixie
 trixie-updates
Components: main
Signed-By: /k.pgp

Types: deb
URIs: http://off
Suites: trixie
Components: main
Enabled: no
`;
    expect(parseAptSources("debian.sources", text)).toEqual([
      { uri: "http://mirror/debian", suites: ["trixie", "trixie-updates"], components: ["main"], signedBy: "/k.pgp" },
    ]);
  });

  test("tell which mirror has a release, not one of its additions", () => {
    const sources = [
      { uri: "http://security", suites: ["bookworm-security"], components: ["main"] },
      { uri: "http://other", suites: ["bookworm"], components: ["stable"] },
      { uri: "http://mirror", suites: ["bookworm", "bookworm-updates"], components: ["main"] },
    ];
    expect(mirrorOf(sources, "bookworm")?.uri).toBe("http://mirror");
    expect(mirrorOf(sources, "trixie")).toBeUndefined();
  });
});

test("Packages are read from apt's plan, new ones and upgrades, of this and other architectures", () => {
  const plan = `Reading package lists...
Inst libslirp0 (4.7.0-1 Debian:12.11/stable [amd64])
Inst busybox-static:arm64 (1:1.35.0-4+b7 Debian:12.11/stable, Debian-Security:12/stable-security [arm64])
Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian:12.11/stable [amd64]) []
Conf libslirp0 (4.7.0-1 Debian:12.11/stable [amd64])
`;
  expect(plannedPackages(plan)).toEqual([
    { name: "libslirp0", version: "4.7.0-1", architecture: "amd64" },
    { name: "busybox-static", version: "1:1.35.0-4+b7", architecture: "arm64" },
    { name: "libc6", version: "2.36-9+deb12u10", architecture: "amd64" },
  ]);
});

describe("a newer QEMU", () => {
  const backports = newerQemuFolder(bookworm, "/cache");

  test("is taken from the backports on Debian 12 only", () => {
    expect(backports).toMatch(/^\/cache\/qemu\/bookworm-backports-(amd64|arm64)-\d+$/);
    expect(newerQemuFolder(trixie, "/cache")).toBeUndefined();
    expect(newerQemuFolder(release("ubuntu", "22.04", "jammy"), "/cache")).toBeUndefined();
  });

  test.each([
    { installed: "QEMU emulator version 7.2.17 (Debian 1:7.2)", folder: backports, plan: "fetch" },
    { installed: "QEMU emulator version 10.0.2 (Debian 1:10.0.2)", folder: backports, plan: "none" },
    { installed: "QEMU emulator version 11.1.0", folder: undefined, plan: "none" },
    { installed: "QEMU emulator version 8.2.2 (Debian 1:8.2.2+ds-0ubuntu1)", folder: undefined, plan: "skip" },
    { installed: undefined, folder: backports, plan: "fetch" },
  ])("with $installed: $plan", ({ installed, folder: at, plan }) => {
    expect(newerQemuPlan(installed, at)).toBe(plan);
  });
});

describe("a folder in the cache", () => {
  test("appears whole, and is made once", () => {
    const target = join(folder, "deep/made");
    const fill = (text: string) => (fresh: string) => writeFileSync(join(fresh, "file"), text);
    makeFolder(target, fill("first"));
    makeFolder(target, fill("second"));
    expect(readFileSync(join(target, "file"), "utf8")).toBe("first");
    expect(readdirSync(join(folder, "deep"))).toEqual(["made"]);
  });

  test("takes away what a killed set-up left, not what another one is at", () => {
    for (const name of ["made.killed", "made.at-work"]) mkdirSync(join(folder, name));
    utimesSync(join(folder, "made.killed"), 0, 0);
    makeFolder(join(folder, "made"), () => {});
    expect(readdirSync(folder).sort()).toEqual(["made", "made.at-work"]);
  });

  test("leaves nothing behind when it cannot be made", () => {
    const fail = () => {
      throw new Error("no network");
    };
    expect(() => makeFolder(join(folder, "made"), fail)).toThrow("no network");
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the stamp of the bundle", () => {
  beforeEach(() => {
    mkdirSync(join(folder, "src"));
    for (const name of ["src/a.ts", "package.json", "package-lock.json"]) writeFileSync(join(folder, name), name);
  });

  test("stays the same while no byte changes", () => {
    const stamp = bundleStamp(folder);
    writeFileSync(join(folder, "src/a.ts"), "src/a.ts");
    writeFileSync(join(folder, "README.md"), "not a part of it");
    expect(bundleStamp(folder)).toBe(stamp);
  });

  test.each(["src/a.ts", "src/new.ts", "package-lock.json"])("changes with %s", (name) => {
    const stamp = bundleStamp(folder);
    writeFileSync(join(folder, name), "changed");
    expect(bundleStamp(folder)).not.toBe(stamp);
  });
});
