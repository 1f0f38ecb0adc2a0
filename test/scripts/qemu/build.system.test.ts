import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { buildFarmQemu } from "../../../scripts/qemu/build.ts";
import { tellSteps } from "../../../scripts/qemu/steps.ts";
import { takeTurn } from "../../../scripts/qemu/turn.ts";
import { thisDistribution } from "../../../scripts/setup/distribution.mjs";
import { machineAt, missingPackages, toBuildQemu } from "../../../scripts/setup/system-packages.mjs";
import { findFarmQemu } from "../../../src/cli/farm/farm-qemu.ts";
import { makeTinySource, startMirror, type TinySource } from "./tiny-source.ts";

const missing = missingPackages(toBuildQemu, thisDistribution(), machineAt(process.env.PATH ?? ""));
const hasApt = existsSync("/usr/lib/apt/apt-helper");

let folder = "";
let told: string[] = [];
let tiny: TinySource;
beforeEach((context) => {
  if (missing.length > 0) return context.skip(`not installed: ${missing.join(" ")}`);
  if (!hasApt) return context.skip("this system has no apt");
  folder = mkdtempSync(join(tmpdir(), "qemu-build-"));
  told = [];
  tiny = makeTinySource(folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

/** Every file of a folder, by its path there. */
const filesIn = (place: string) =>
  Object.fromEntries(
    readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [relative(place, path), readFileSync(path, "latin1")]),
  );
const build = (cache = join(folder, "cache")) =>
  buildFarmQemu({ images: tiny.images, cache, steps: tellSteps((line) => told.push(line)) });
const openGate = () => writeFileSync(tiny.gate, "");
const found = (cache = join(folder, "cache")) => findFarmQemu(cache, tiny.images);

describe("a build of the farm's QEMU", () => {
  test("holds Debian's patches and ours, the licence, the sources' names, and is found from then on", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    const built = await build();
    expect(found()).toMatchObject({ state: "ready", folder: built });
    expect(execFileSync(join(built, "bin/qemu-system-avr"), { encoding: "utf8" })).toBe(
      "../source/main.c CONFIG_ARDUINO=y debian and ours\n",
    );
    expect(readFileSync(join(built, "source/COPYING"), "utf8")).toBe("COPYING of QEMU\n");
    expect(readFileSync(join(built, "source/README.md"), "utf8")).toContain("qemu 1:10.0.1+ds-1 of trixie");
    expect(existsSync(join(built, "source/patches/ours.patch"))).toBe(true);
    expect(told.join("\n")).toMatch(/qemu, +\d+ s: compiling qemu-system-arm \(2 of 2\)/);
    for (const path of [built, join(built, "bin"), join(built, "..")]) expect(statSync(path).mode & 0o055).toBe(0o055);
    expect(existsSync(join(folder, "cache/qemu/farm-work", built.split("/").at(-1) ?? ""))).toBe(false);
  });

  test("is not made again, and asks the mirror for nothing", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    const built = await build();
    const { length } = mirror.asked;
    told = [];
    expect(await build()).toBe(built);
    expect({ told, asked: mirror.asked.length }).toEqual({ told: [], asked: length });
  });

  test("is the same bytes wherever it is made", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    const builds = [];
    for (const cache of ["cache", "another/cache/elsewhere"]) builds.push(filesIn(await build(join(folder, cache))));
    expect(builds[0]).toEqual(builds[1]);
  });

  test("goes on where it was interrupted, and until then there is none", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await expect(build()).rejects.toThrow(/^ninja qemu-system-arm failed \(exit code \d+\)/);
    vi.restoreAllMocks();
    expect(found()).toEqual({ state: "absent" });
    openGate();
    await build();
    expect(readFileSync(`${tiny.gate}.log`, "utf8")).toBe("qemu-system-avr\n");
  });

  test("of other sources in the cache is refused in words, and the present one is built beside it", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    const old = await build();
    appendFileSync(join(tiny.images, "configure-flags"), "--enable-more\n");
    expect(found()).toMatchObject({
      state: "refused",
      problem: expect.stringContaining("was built from other sources"),
    });
    const present = await build();
    expect(present).not.toBe(old);
    expect(found()).toMatchObject({ state: "ready", folder: present });
  });

  test("is made again where a program is not as it was built", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    const program = join(await build(), "bin/qemu-system-avr");
    const asBuilt = readFileSync(program);
    writeFileSync(program, Buffer.alloc(asBuilt.length));
    await build();
    expect(readFileSync(program).equals(asBuilt)).toBe(true);
    expect(told.join("\n")).toContain("is not as it was built: building it again");
  });

  test("is not begun while another one is at work, and is taken over when that is done", async () => {
    openGate();
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    const works = join(folder, "cache/qemu/farm-work");
    mkdirSync(works, { recursive: true });
    const waiting = Promise.withResolvers<void>();
    const turn = await takeTurn(works, () => {});
    const steps = tellSteps((line) => {
      told.push(line);
      waiting.resolve();
    });
    const second = buildFarmQemu({ images: tiny.images, cache: join(folder, "cache"), steps });
    await waiting.promise;
    expect(told).toEqual([expect.stringContaining("another build is at work")]);
    expect(mirror.asked).toEqual([]);
    await turn[Symbol.asyncDispose]();
    expect(found()).toMatchObject({ state: "absent" });
    await second;
    expect(found()).toMatchObject({ state: "ready" });
  });
});

describe("a build that cannot be made says why", () => {
  test("build tools are missing, in one line that names them", async () => {
    vi.stubEnv("PATH", join(folder, "nothing"));
    await expect(build()).rejects.toThrow(/^missing: gcc ninja-build .*flex.*Install them/);
  });

  test("a download was cut off", async () => {
    await using mirror = await startMirror(tiny.files, (bytes, response) => {
      response.end(bytes.subarray(0, bytes.length >> 1));
    });
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    const { length } = tiny.files.get("/debian/pool/orig.tar.xz") ?? Buffer.alloc(0);
    await expect(build()).rejects.toThrow(`orig.tar.xz was cut off: ${length >> 1} of ${length} bytes came. Try again`);
    expect(existsSync(join(folder, "cache/qemu/sources/orig.tar.xz"))).toBe(false);
  });

  test("the connection broke", async () => {
    await using mirror = await startMirror(tiny.files, (bytes, response) => {
      response
        .writeHead(200, { "content-length": bytes.length })
        .write(bytes.subarray(0, 10), () => response.destroy());
    });
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    await expect(build()).rejects.toThrow(
      /^orig\.tar\.xz could not be fetched: .+\. Try again when the network is back$/,
    );
  });

  test("a digest differs, with file, expected and actual", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    const sha256 = "0".repeat(64);
    tiny.pin({ debian: { sha256 } });
    await expect(build()).rejects.toThrow(
      new RegExp(`/pool/debian\\.tar\\.xz is not what .*source\\.json pins: SHA-256 [0-9a-f]{64}, expected ${sha256}$`),
    );
  });

  test("the mirror has moved on to a newer version", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    tiny.pin({ upstream: { path: "pool/gone.tar.xz" } });
    await expect(build()).rejects.toThrow(/gone\.tar\.xz is gone: .*1:10\.0\.1\+ds-1 is pinned.*npm run qemu -- pin/);
  });

  test("a file in the cache was damaged: it is fetched again", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    openGate();
    mkdirSync(join(folder, "cache/qemu/sources"), { recursive: true });
    writeFileSync(join(folder, "cache/qemu/sources/orig.tar.xz"), "half");
    await build();
    expect(mirror.asked).toContain("/debian/pool/orig.tar.xz");
  });

  test("a patch does not apply", async () => {
    await using mirror = await startMirror(tiny.files);
    vi.stubEnv("EMUFARM_DEBIAN_MIRROR", mirror.uri);
    const patch = join(tiny.images, "patches/ours.patch");
    writeFileSync(patch, readFileSync(patch, "utf8").replaceAll("Debian says: patched", "somebody says"));
    await expect(build()).rejects.toThrow(/^ours\.patch does not apply: .*FAILED/);
  });

  test("the cache folder has a space in its name", async () => {
    await expect(build(join(folder, "my cache"))).rejects.toThrow("no spaces and colons");
  });
});
