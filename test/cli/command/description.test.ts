import { describe, expect, it } from "vitest";
import { boardText } from "../../../src/cli/command/board-text.ts";
import { jobText } from "../../../src/cli/command/job-text.ts";
import { runText } from "../../../src/cli/command/run-text.ts";
import { boardGpio } from "../../../src/core/schema/board-gpio.ts";
import { jobSpec } from "../../../src/core/schema/job.ts";
import type { JobRecord, RunRecord } from "../../../src/core/wire/farm.ts";
import { aBoard } from "../../gen/board.ts";
import { aResult, aVerdict, DIGEST } from "../../gen/run.ts";

const RUN = "r0123456789ab";
const paint = (_format: unknown, text: string) => text;
const next = (...words: string[]) => `emufarm ${words.join(" ")}`;
const emulator = { binary: "qemu-system-arm", version: "10.0.2", accelerator: "tcg" };

function aJob(values: Partial<JobRecord>): JobRecord {
  return {
    id: `${RUN}-000000`,
    runId: RUN,
    index: 0,
    name: "a job",
    tenant: "local",
    pool: "default",
    spec: jobSpec.parse({ board: "test-board", firmware: { sha256: DIGEST }, timeout: "90s" }),
    state: "running",
    ...values,
  };
}

/** What stands beside a word, whatever the columns' widths. */
function factsOf(text: string): Record<string, string> {
  const rows = [...text.matchAll(/^(\S+(?: \S+)*) {2,}(.*)$/gm)];
  return Object.fromEntries(rows.map(([, name = "", value = ""]) => [name, value]));
}

describe("a job", () => {
  it("that has finished is told with the way in which its guest was started", () => {
    const result = aResult({ emulator: { ...emulator, strategy: "recycle" }, boots: 2 });
    const job = aJob({ state: "finished", verdict: aVerdict(`${RUN}-000000`, { result }) });
    expect(factsOf(jobText(job, undefined, next, paint))).toMatchObject({
      state: "passed",
      emulator: "qemu-system-arm 10.0.2, tcg",
      "started by": "recycle: a process that had served a guest before; 2 boots",
    });
  });

  it("that runs is told with its emulator, how long it is there, and what can be done", () => {
    const board = { name: "test-board", spec: aBoard(), isAvailable: true, emulator };
    const job = aJob({ attempt: 1, agentId: "agent0" });
    expect(factsOf(jobText(job, { elapsedMs: 12_000, board }, next, paint))).toMatchObject({
      state: "running",
      agent: "agent0",
      emulator: "qemu-system-arm 10.0.2, tcg",
      submitted: "12s ago",
      deadline: "90s from its start",
      watch: `emufarm logs ${RUN}-000000 -f`,
      talk: `emufarm console ${RUN}-000000`,
      stop: `emufarm cancel ${RUN}-000000`,
    });
  });

  it("that waits has nothing to watch yet", () => {
    const job = aJob({ state: "waiting", waiting: { position: 2, reason: "2 jobs are before it" } });
    const facts = factsOf(jobText(job, { elapsedMs: 500, board: undefined }, next, paint));
    expect(facts).toMatchObject({ waiting: "place 3: 2 jobs are before it", stop: `emufarm cancel ${RUN}-000000` });
    expect(facts.watch).toBeUndefined();
  });
});

describe("a run", () => {
  const verdicts = { passed: 3, failed: 1, timedOut: 0, errored: 3, cancelled: 0 };
  const totals = { total: 9, waiting: 1, running: 1, verdicts, unexpected: 1, flaky: 1, skipped: 2 };
  const run: RunRecord = {
    id: RUN,
    name: "a run",
    tenant: "local",
    createdAt: "2026-01-01T00:00:00.000Z",
    isCancelled: false,
    totals,
    outcome: "running",
  };

  it("counts each job once: one that is skipped is no errored one", () => {
    const text = runText(run, [], next, paint);
    expect(factsOf(text).jobs).toBe("9: 1 waiting, 1 running, 3 passed, 1 failed, 1 errored, 2 skipped");
    expect(text).toMatch(/^ +4 as expected, 1 not, 1 flaky$/m);
  });

  it("names the first jobs that were not as expected, why, and how many more there are", () => {
    const error = { code: "ExpectationNotMet", class: "test", message: "the output ended", details: {} } as const;
    const verdict = aVerdict(`${RUN}-000000`, { verdict: "failed", isExpected: false, error });
    const text = runText({ ...run, totals: { ...totals, unexpected: 3 } }, [aJob({ verdict })], next, paint);
    expect(text).toMatch(
      /\n\nnot as expected:\nJOB .*\nr0123456789ab-000000 .* failed +the output ended\nand 2 more\n$/,
    );
    expect(runText(run, [], next, paint)).not.toContain("not as expected:");
  });
});

describe("a board", () => {
  it("is told with its memory map, ways to boot, ready pattern and network", () => {
    const spec = aBoard({
      memory: {
        ramMiB: 16,
        regions: [
          { name: "flash", base: "0x08000000", sizeKiB: 256 },
          { name: "ram", base: 0, sizeKiB: 2_048 },
        ],
      },
      boot: { proven: ["recycle"], unproven: { snapshot: "its timer is not in the state." } },
      ready: { uart: "uart0", pattern: "login: " },
      network: { device: "virtio-net-device" },
      timeoutMultiplier: 3,
    });
    const text = boardText({ name: "test-board", spec, isAvailable: true, emulator });
    expect(factsOf(text)).toMatchObject({
      here: "can run on qemu-system-arm 10.0.2",
      memory: "16 MiB; an image may lie in",
      boot: "spawn, recycle: proven",
      ready: "/login: / on uart0",
      network: "virtio-net-device, where a job asks for it",
      timeouts: "times 3",
    });
    for (const line of [
      "flash  0x08000000 to 0x0803ffff, 256 KiB",
      "ram    0x00000000 to 0x001fffff, 2 MiB",
      "spare: not proven",
      "snapshot: not proven, its timer is not in the state.",
    ]) {
      expect(text).toMatch(new RegExp(`^ +${line.replaceAll(".", "\\.")}$`, "m"));
    }
  });

  it("is told with its pins", () => {
    const gpio = boardGpio.parse({
      driver: "qtest",
      raisesInterrupts: true,
      ports: [
        { name: "a", prefix: "PA", lines: 4, device: "/machine/a" },
        { name: "b", prefix: "PB", first: 4, lines: 2, directions: ["out"], device: "/machine/b" },
      ],
      lines: [{ number: 1, name: "LED", description: "Green" }],
    });
    const text = boardText({ name: "test-board", spec: { ...aBoard(), gpio }, isAvailable: true, emulator });
    expect(factsOf(text)).toMatchObject({ pins: "by driver qtest, with interrupts" });
    expect(text).toMatch(/^ +PA0 to PA3 \(0 to 3\): seen and driven\n +PB0 to PB1 \(4 to 5\): seen$/m);
    expect(text).toMatch(/^ +LED \(PA1, 1\): Green$/m);
  });

  it("says what it has not", () => {
    expect(factsOf(boardText({ name: "test-board", spec: aBoard(), isAvailable: true, emulator }))).toMatchObject({
      memory: "16 MiB; an image may lie anywhere",
      ready: "as soon as it runs: it has no ready pattern",
      network: "none",
    });
  });
});
