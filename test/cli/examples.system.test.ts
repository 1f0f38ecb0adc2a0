import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, image, PROJECT } from "./cli-place.ts";

const EXAMPLES = join(PROJECT, "examples");

let place: CliPlace;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  place = new CliPlace();
  const bin = join(place.folder, "bin");
  await mkdir(bin);
  // What an installed emufarm is: a program of this name in PATH.
  await writeFile(join(bin, "emufarm"), `#!/bin/sh\nexec '${process.execPath}' '${PROJECT}/src/cli/main.ts' "$@"\n`);
  await chmod(join(bin, "emufarm"), 0o755);
  env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    EMUFARM_DATA: place.data,
    EMUFARM_RUNTIME_DIR: place.runtime,
    EMUFARM_CACHE: join(place.folder, "cache"),
  };
});

afterAll(() => place[Symbol.dispose]());

function has(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;
}

async function copyOf(example: string): Promise<string> {
  const folder = join(place.folder, example);
  await cp(join(EXAMPLES, example), folder, { recursive: true });
  return folder;
}

function call(program: string, args: readonly string[], cwd: string, more: NodeJS.ProcessEnv = {}) {
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>();
  execFile(program, args, { cwd, env: { ...env, ...more } }, (error, stdout, stderr) =>
    resolve({ code: typeof error?.code === "number" ? error.code : error ? -1 : 0, stdout, stderr }),
  );
  return promise;
}

describe("emufarm as cargo's runner", () => {
  it("runs what cargo has built, and ends with its verdict", async (context) => {
    if (!has("cargo")) return context.skip("cargo is not installed");
    const library = execFileSync("rustc", ["--print", "target-libdir", "--target", "x86_64-unknown-linux-gnu"]);
    if (!existsSync(String(library).trim())) return context.skip("Rust's x86_64-unknown-linux-gnu is not installed");
    const folder = await copyOf("cargo-runner");
    const passed = await call("cargo", ["run", "--offline"], folder);
    expect(passed).toMatchObject({ code: 0, stdout: "hello from cargo run\n" });
    expect(passed.stderr).toContain("emufarm: passed");
    const failed = await call(
      "cargo",
      ["run", "--offline", "--features", "fail", "--", "--exit-code", "guest"],
      folder,
    );
    expect(failed).toMatchObject({ code: 3, stderr: expect.stringContaining("[NonZeroExit]") });
  });
});

describe("emufarm as CTest's emulator", () => {
  it("runs each test's program, and ctest takes its exit code", async (context) => {
    for (const program of ["cmake", "ctest", "arm-none-eabi-gcc"]) {
      if (!has(program)) return context.skip(`${program} is not installed`);
    }
    const folder = await copyOf("ctest");
    for (const args of [
      ["-B", "build", "--toolchain", "cortex-m3.cmake"],
      ["--build", "build"],
    ]) {
      const { code, stderr } = await call("cmake", args, folder);
      expect(code, stderr).toBe(0);
    }
    const { code, stdout } = await call("ctest", ["--test-dir", "build", "-V"], folder);
    expect(stdout).toContain("4 + 1 is 5: ok");
    expect(stdout).toContain("4 + 1 is not 5: FAIL");
    expect(stdout).toContain("100% tests passed");
    expect(code).toBe(0);
  });
});

/** What of Zephyr's scripts the runner uses, by the same names. */
const RUNNERS_CORE = `
import shutil, subprocess

class RunnerCaps:
    def __init__(self, commands=frozenset()):
        self.commands = commands

class ZephyrBinaryRunner:
    def __init__(self, cfg):
        self.cfg = cfg
    def require(self, program):
        assert shutil.which(program), program
        return program
    def check_call(self, command):
        subprocess.check_call(command)
    def run(self, command):
        self.do_run(command)
`;

const WEST = `
import argparse, sys, types
from emufarm_runner import EmufarmBinaryRunner as Runner
command, elf, *rest = sys.argv[1:]
parser = argparse.ArgumentParser()
Runner.do_add_parser(parser)
assert Runner.name() == "emufarm" and command in Runner.capabilities().commands
Runner.do_create(types.SimpleNamespace(elf_file=elf), parser.parse_args(rest)).run(command)
`;

describe("emufarm as a west runner", () => {
  it("runs zephyr.elf as west calls it, and fails where the firmware does", async (context) => {
    if (!has("python3")) return context.skip("python3 is not installed");
    const folder = await copyOf("west");
    await mkdir(join(folder, "runners"));
    await writeFile(join(folder, "runners/core.py"), RUNNERS_CORE);
    await writeFile(join(folder, "west.py"), WEST);
    const west = (command: string, app: string) =>
      call("python3", ["west.py", command, image("mps2-an385", app), "--emufarm-board", "mps2-an385"], folder);
    const flashed = await west("flash", "hello");
    expect(flashed).toMatchObject({ code: 0, stdout: expect.stringContaining("boot ok") });
    const failed = await west("simulate", "ztest-fail");
    expect(failed.stdout).toContain("PROJECT EXECUTION FAILED");
    expect(failed.code).not.toBe(0);
  });
});

describe("emufarm in CI", () => {
  it("runs one part of the tests, writes the report, and ends with the verdict", async () => {
    const folder = await copyOf("ci");
    const tests = join(folder, "tests");
    await mkdir(tests);
    await copyFile(image("mps2-an385", "hello"), join(tests, "hello.elf"));
    const document = {
      apiVersion: "emufarm.dev/v1alpha1",
      kind: "Run",
      metadata: { name: "parts" },
      spec: { jobs: [{ board: "mps2-an385", firmware: "hello.elf" }], repeat: 3 },
    };
    await writeFile(join(tests, "parts.run.yaml"), JSON.stringify(document));
    const part = { CI_NODE_INDEX: "1", CI_NODE_TOTAL: "2" };
    const { code, stdout } = await call("./run-tests.sh", ["tests", "report.xml"], folder, part);
    expect(stdout).toContain("2 jobs: 2 passed");
    expect(code).toBe(0);
    expect(await readFile(join(folder, "report.xml"), "utf8")).toContain('tests="2"');
  });

  it.each(["gitlab-ci.yml", "github-actions.yml"])("is called by %s", async (file) => {
    expect(await readFile(join(EXAMPLES, "ci", file), "utf8")).toContain("./run-tests.sh tests report.xml");
  });
});
