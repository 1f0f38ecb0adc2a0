/** `npm run qemu -- test`: QEMU's own tests against the farm's build of it. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import PQueue from "p-queue";
import type { FarmQemu } from "../../src/cli/farm/farm-qemu.ts";
import { type BuildPlace, unpack } from "./build.ts";
import { configure } from "./compile.ts";
import { compileOwnTests, listOwnTests, type OwnTest, type OwnTestResult, runOwnTest } from "./own-tests.ts";

/** Lines of a failed test that are shown. */
const SHOWN_LINES = 15;

/** What no build of ours can pass here. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "riscv32/riscv_opensbi": "Debian packages no OpenSBI for 32 bits",
  "aarch64/bios-tables-test": "it wants the very build of EDK2 that QEMU has in its own sources",
  "riscv64/bios-tables-test": "it wants the very build of EDK2 that QEMU has in its own sources",
  "aarch64/bcm2835-i2c-test": "it wants a thermometer that no board of ours has",
  "arm/hexloader-test": "it wants a machine that no board of ours is",
};

/** Cases of tests in C that mean something else by what ours has, by the test's name without its target. */
const LEFT_OUT_CASES: Readonly<Record<string, string>> = {
  // Without mandatory arguments and with an answer, it is taken for a query that has to succeed on any machine.
  "qmp-cmd-test": "qmp/__dev.emufarm_recycle",
};

/** Where the programs of the tests are compiled; kept, so that the next time they are there. */
export function qemuTestsFolder(cache: string): string {
  return join(cache, "qemu", "farm-tests");
}

export interface ProofPlace extends Required<BuildPlace> {
  /** Folder of the programs under test. */
  readonly programs: string;
  readonly build: Extract<FarmQemu, { state: "ready" }>;
  /** Parts of names of those that are run; none: all. */
  readonly wanted: readonly string[];
}

/** Runs them, tells each, and answers whether none has failed. */
export async function proveFarmQemu({ programs, build, wanted, ...place }: ProofPlace): Promise<boolean> {
  const { steps, cache } = place;
  const { compilation } = await unpack(join(qemuTestsFolder(cache), build.manifest.inputs.slice(0, 16)), place);
  await configure(compilation, steps);
  const listed = await listOwnTests(compilation);
  const asked = listed.filter((test) => isWanted(test, wanted));
  const offline = asked.filter(({ name, needsDownloads }) => !needsDownloads && LEFT_OUT[name] === undefined);
  await compileOwnTests(compilation, offline, steps);
  const queue = new PQueue({ concurrency: availableParallelism() });
  const results = await queue.addAll(
    offline.map((test) => async () => {
      const emulator = join(programs, `qemu-system-${test.target}`);
      const result = await runOwnTest(compilation, withoutCases(test), emulator);
      steps.tell(inWords(result));
      return result;
    }),
  );
  for (const { name } of asked) if (LEFT_OUT[name]) steps.tell(`left out: ${name} (${LEFT_OUT[name]})`);
  const downloading = asked.filter(({ needsDownloads }) => needsDownloads).map(({ name }) => name);
  if (downloading.length > 0) steps.tell(`left out, since they download what they run: ${downloading.join(" ")}`);
  const count = (outcome: OwnTestResult["outcome"]) => results.filter((one) => one.outcome === outcome).length;
  steps.tell(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped themselves`);
  return count("failed") === 0;
}

/** By GLib's own option. */
function withoutCases(test: OwnTest): OwnTest {
  const path = LEFT_OUT_CASES[test.name.slice(test.target.length + 1)];
  return path === undefined ? test : { ...test, command: [...test.command, "-s", `/${test.target}/${path}`] };
}

function isWanted({ name }: OwnTest, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((part) => name.includes(part));
}

function inWords({ name, outcome, cases, skippedCases, seconds, output }: OwnTestResult): string {
  const skipped = skippedCases > 0 ? `, ${skippedCases} of them skipped` : "";
  const line = `${outcome.padEnd(7)} ${name} (${cases} cases${skipped}; ${seconds.toFixed(1)} s)`;
  if (outcome !== "failed") return line;
  return [line, ...output.trimEnd().split("\n").slice(-SHOWN_LINES)].join("\n    ");
}
