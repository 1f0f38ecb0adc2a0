/** QEMU's own tests, as its build lists them: those of our targets that need nothing from outside. */
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { SetupError } from "../setup/say.mjs";
import { buildEnvironment, type Compilation, ninja } from "./compile.ts";
import type { Steps } from "./steps.ts";

/** QEMU gives its tests a time that a busy machine does not keep. */
const TIME_FACTOR = 5;

export interface OwnTest {
  /** Such as `arm/sse-timer-test`. */
  readonly name: string;
  readonly target: string;
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** Downloads what it runs: listed, and never run. */
  readonly needsDownloads: boolean;
  readonly language: "c" | "python";
}

export interface OwnTestResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Test cases of it. */
  readonly cases: number;
  readonly skippedCases: number;
  readonly seconds: number;
  readonly output: string;
}

/** `meson introspect --tests`, as far as it matters here. */
const listedTests = z.array(
  z.object({
    name: z.string(),
    cmd: z.tuple([z.string()], z.string()),
    suite: z.array(z.string()),
    timeout: z.number(),
  }),
);

/** All of them, in QEMU's order. */
export async function listOwnTests(compilation: Compilation): Promise<OwnTest[]> {
  const meson = ["-m", "mesonbuild.mesonmain", "introspect", "--tests", compilation.build];
  const { stdout, failed, stderr } = await execa("/usr/bin/python3", meson, {
    ...{ extendEnv: false, env: buildEnvironment(compilation), reject: false },
  });
  if (failed) throw new SetupError(`QEMU's build does not tell its tests: ${stderr.trim()}`);
  return listedTests.parse(JSON.parse(stdout)).flatMap((listed) => ownTest(listed) ?? []);
}

function ownTest({ name, cmd, suite, timeout }: z.infer<typeof listedTests>[number]): OwnTest | undefined {
  const isOf = (one: string) => suite.some((full) => full === one || full.endsWith(`:${one}`));
  const timeoutMs = timeout * TIME_FACTOR * 1_000;
  const [, target = "", test = ""] = /^(?:qtest|func)-(\w+)[-/](.+)$/.exec(name) ?? [];
  const common = { name: `${target}/${test}`, target, timeoutMs };
  if (isOf("qtest")) return { ...common, command: cmd, needsDownloads: false, language: "c" };
  const script = cmd.at(-1) ?? "";
  const module = /(\w+)\.py$/.exec(script)?.[1];
  if (module === undefined || (!isOf("func-quick") && !isOf("func-thorough"))) return undefined;
  // By unittest itself: QEMU's runner is a package that it needs for nothing else.
  const command = ["/usr/bin/python3", "-m", "unittest", "-v", module] as const;
  return { ...common, command, needsDownloads: isOf("func-thorough"), language: "python" };
}

/** Compiles the programs of these tests. The emulators are there already. */
export async function compileOwnTests(
  compilation: Compilation,
  tests: readonly OwnTest[],
  steps: Steps,
): Promise<void> {
  const programs = tests.filter(({ language }) => language === "c").map(({ command: [path] }) => path);
  const files = [...new Set(programs)].map((path) => relative(compilation.build, path));
  if (files.length > 0) await ninja(compilation, files, `compiling ${files.length} programs of QEMU's tests`, steps);
}

/** Runs one against an emulator. */
export async function runOwnTest(compilation: Compilation, test: OwnTest, emulator: string): Promise<OwnTestResult> {
  const [program, ...args] = test.command;
  const started = performance.now();
  const { all, exitCode, timedOut } = await execa(program, args, {
    cwd: compilation.build,
    extendEnv: false,
    env: { ...buildEnvironment(compilation), ...testEnvironment(compilation, emulator) },
    stdin: "ignore",
    all: true,
    reject: false,
    timeout: test.timeoutMs,
  });
  const counted = test.language === "c" ? countTap(all) : countUnittest(all);
  const isClean = exitCode === 0 && counted.failed === 0;
  const isSkipped = isClean && counted.cases === counted.skipped;
  return {
    name: test.name,
    outcome: isClean ? (isSkipped ? "skipped" : "passed") : "failed",
    cases: counted.cases,
    skippedCases: counted.skipped,
    seconds: (performance.now() - started) / 1_000,
    output: timedOut ? `${all}\nit did not end within ${test.timeoutMs / 1_000} s` : all,
  };
}

function testEnvironment({ tree, build }: Compilation, emulator: string): Record<string, string> {
  const standIns = join(build, "emufarm-python");
  mkdirSync(standIns, { recursive: true });
  // Imported by every functional test, used by none that unittest runs.
  writeFileSync(join(standIns, "pycotap.py"), "");
  return {
    QTEST_QEMU_BINARY: emulator,
    QEMU_TEST_QEMU_BINARY: emulator,
    QEMU_BUILD_ROOT: build,
    QEMU_TEST_NO_DOWNLOAD: "1",
    PYTHON: "/usr/bin/python3",
    PYTHONPATH: [join(tree, "python"), join(tree, "tests/functional"), standIns].join(delimiter),
  };
}

interface CountedCases {
  readonly cases: number;
  readonly failed: number;
  readonly skipped: number;
}

/** GLib's TAP: a line for each case. */
export function countTap(output: string): CountedCases {
  const lines = output.split("\n").filter((line) => /^(not )?ok \d+/.test(line));
  return {
    cases: lines.length,
    failed: lines.filter((line) => line.startsWith("not ok")).length,
    skipped: lines.filter((line) => /^ok .*# SKIP/i.test(line)).length,
  };
}

/** The last lines of Python's unittest: `Ran 3 tests in 0.1s`, then `OK (skipped=1)` or `FAILED (failures=1)`. */
export function countUnittest(output: string): CountedCases {
  const cases = Number(/^Ran (\d+) tests? in/m.exec(output)?.[1] ?? 0);
  const [, isOk, told = ""] = /^(OK|FAILED)(?: \((.*)\))?\s*$/m.exec(output) ?? [];
  const of = (what: string) => Number(new RegExp(`${what}=(\\d+)`).exec(told)?.[1] ?? 0);
  const failed = of("failures") + of("errors");
  return { cases, failed: isOk === "OK" ? 0 : Math.max(1, failed), skipped: of("skipped") };
}
