import { describe, expect, test } from "vitest";
import { Progress } from "../../../src/agent/progress.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import type { GuestExit } from "../../../src/core/wire/attempt.ts";
import { FakeGuest, play, settled, startScenario } from "./fake-guest.ts";

const done: GuestExit = { reason: "GuestExited", code: 0 };

describe("Without a scenario, the guest's end is the verdict", () => {
  test.each<[string, GuestExit, string, string | undefined]>([
    ["exit code 0", done, "passed", undefined],
    ["power-off", { reason: "GuestShutdown" }, "passed", undefined],
    ["exit code 3", { reason: "GuestExited", code: 3 }, "failed", "NonZeroExit"],
    ["a crash", { reason: "GuestCrashed", detail: "Lockup" }, "failed", "GuestCrashed"],
    ["a reset loop", { reason: "ResetLoop" }, "failed", "ResetLoop"],
    ["the memory limit", { reason: "MemoryLimit" }, "failed", "MemoryLimit"],
    ["the sandbox", { reason: "SandboxViolation" }, "failed", "SandboxViolation"],
    ["a refusing emulator", { reason: "EmulatorRefused", code: 1, detail: "bad image" }, "errored", "EmulatorRefused"],
    ["a killed emulator", { reason: "EmulatorKilled", signal: "SIGKILL" }, "errored", "EmulatorKilled"],
  ])("after %s", async (_title, exit, verdict, code) => {
    const result = await play(undefined, (guest) => guest.end(exit));
    expect(result).toMatchObject({ verdict, steps: [], testCases: [] });
    expect(result.error?.code).toBe(code);
  });
});

describe("wait-serial", () => {
  test("takes output that came before the step began, but only once", async () => {
    const guest = new FakeGuest();
    const run = startScenario(guest, {
      steps: [
        { "write-serial": "go" },
        { "wait-serial": "ready" },
        { "wait-serial": "ready" },
        { "wait-serial": "end" },
      ],
    });
    guest.say("ready rea");
    await settled();
    expect(run.waitingFor()).toBe('step 3, wait-serial "ready"');
    guest.say("dy ... end");
    expect(await run.result).toMatchObject({ verdict: "passed" });
  });

  test("finds several patterns in any order, and goes on behind the last", async () => {
    const steps = [{ "wait-serial": { all: ["one", { regex: "tw[o]" }, "three"] } }, { "wait-serial": "one" }];
    const { verdict } = await play({ steps }, async (guest) => {
      guest.say("three one two");
      await settled();
      guest.say(" one");
    });
    expect(verdict).toBe("passed");
  });

  test("looks at the UART that it names, through binary, split UTF-8 and ANSI", async () => {
    const steps = [{ "wait-serial": { text: "grün", uart: "uart1" } }];
    const bytes = Buffer.concat([Buffer.from([0, 255, 254]), Buffer.from("\x1b[32mgrün\x1b[0m")]);
    const { verdict } = await play({ steps }, (guest) => {
      guest.say("grün?", "uart0");
      for (const byte of bytes) guest.say(Buffer.of(byte), "uart1");
    });
    expect(verdict).toBe("passed");
  });

  test("finds its text behind a line of 10 MB", async () => {
    const { verdict } = await play({ steps: [{ "wait-serial": { regex: "x+ready$" } }] }, (guest) => {
      for (let piece = 0; piece < 160; piece += 1) guest.say(Buffer.alloc(65_536, "x"));
      guest.say("ready\n");
    });
    expect(verdict).toBe("passed");
  });

  test("goes on through a reset", async () => {
    const { verdict } = await play({ steps: [{ "wait-serial": "two\n" }] }, (guest) => {
      guest.say("one\ntw");
      guest.say("boot\none\ntwo\n");
    });
    expect(verdict).toBe("passed");
  });

  test("times out with what was missing and the last lines", async () => {
    const steps = [{ "wait-serial": { all: ["a", "never"] }, timeout: "10ms" }, { delay: "1s" }];
    const result = await play({ steps }, (guest) => guest.say("one\na\nlast line"));
    expect(result).toMatchObject({ verdict: "timedOut", error: { code: "StepTimeout" } });
    expect(result.error?.details).toMatchObject({
      missing: '"never"',
      lastLines: "one\na\nlast line",
      timeout: "10ms",
    });
    expect(result.steps.map(({ outcome }) => outcome)).toEqual(["timedOut", "notReached"]);
  });

  test("says what it waits for, also where it has a name", async () => {
    const steps = [{ name: "the prompt", "wait-serial": { regex: "# $" }, timeout: "10ms" }];
    const { error, steps: results } = await play({ steps }, (guest) => guest.say("boot"));
    expect(error?.message).toMatch(/^the prompt \(wait-serial \/# \$\/\): nothing of the kind came within 10ms/);
    expect(results[0]?.title).toBe("the prompt");
  });

  test("tells a crash by the registers that say where", async () => {
    const detail =
      "qemu: fatal: Lockup\nR00=00000000 R01=00000001\nR12=00000000 R13=20000ff0 R14=fffffff9 R15=0000abcd\nXPSR=41000003";
    const { error } = await play({ steps: [{ "wait-serial": "never" }] }, (guest) =>
      guest.end({ reason: "GuestCrashed", detail }),
    );
    expect(error?.message).toBe(
      "The guest crashed: qemu: fatal: Lockup (PC 0x0000abcd, LR 0xfffffff9, XPSR 0x41000003); the CPU locked up: a fault came where none can be handled, as within a fault's handler, or without a valid vector table or stack.",
    );
  });

  test("fails at once when the guest ends without any output", async () => {
    const result = await play({ steps: [{ "wait-serial": "never" }] }, (guest) => guest.end(done));
    expect(result).toMatchObject({ verdict: "failed", error: { code: "UnexpectedExit" } });
    expect(result.error?.message).toContain('wait-serial "never"');
  });

  test("looks at the guest's last bytes before it gives up", async () => {
    const result = await play({ steps: [{ "wait-serial": { regex: "OK$" } }] }, (guest) => {
      guest.say("OK");
      guest.end(done);
    });
    expect(result.verdict).toBe("passed");
  });

  test("names a crash as a crash", async () => {
    const result = await play({ steps: [{ "wait-serial": "never" }] }, (guest) =>
      guest.end({ reason: "GuestCrashed" }),
    );
    expect(result.error?.code).toBe("GuestCrashed");
  });

  test("is multiplied by the board's factor, and stands still while the CPU does", async () => {
    const guest = new FakeGuest();
    const run = startScenario(guest, { steps: [{ "wait-serial": "late", timeout: "30ms" }] });
    run.setPaused(true);
    await new Promise((resolve) => setTimeout(resolve, 80));
    guest.say("late");
    expect(await run.result).toMatchObject({ verdict: "passed" });
    const slow = await play({ steps: [{ "wait-serial": "never", timeout: "5ms" }] }, () => {}, {
      timeoutMultiplier: 4,
    });
    expect(slow.error?.details).toMatchObject({ timeout: "20ms" });
  });
});

describe("The other steps", () => {
  test("are done in order", async () => {
    const steps = [
      { "write-serial": "hello" },
      { "write-serial": [104, 105] },
      { "write-serial": { text: "x", uart: "uart1" } },
      { delay: "1ms" },
      { pause: true as const },
      { resume: true as const },
      { reset: true as const },
      { power: "cycle" as const },
      { qmp: { execute: "query-status", expect: { running: true } } },
    ];
    const result = await play({ steps }, (guest) => {
      guest.qmpAnswer = { running: true, status: "running" };
    });
    expect(result.verdict).toBe("passed");
    expect(result.guest.calls).toEqual([
      "write uart0 hello",
      "write uart0 hi",
      "write uart1 x",
      "pause",
      "resume",
      "reset",
      "power cycle",
      "qmp query-status",
    ]);
    expect(result.steps.every(({ outcome, durationMs }) => outcome === "passed" && durationMs !== undefined)).toBe(
      true,
    );
  });

  test("fail on an answer of QMP that is not the expected one", async () => {
    const result = await play({ steps: [{ qmp: { execute: "query-status", expect: { running: true } } }] }, (guest) => {
      guest.qmpAnswer = { running: false };
    });
    expect(result.error?.message).toBe(
      'qmp query-status: expected {"running":true}, but it returned {"running":false}.',
    );
  });

  test.each<[string, true | null | number | { reason?: "GuestCrashed"; code?: number }, GuestExit, string | undefined]>(
    [
      ["any own end", true, { reason: "GuestExited", code: 7 }, undefined],
      ["any own end, written as nothing", null, done, undefined],
      ["a code", 7, { reason: "GuestExited", code: 7 }, undefined],
      ["code 0 by power-off", 0, { reason: "GuestShutdown" }, undefined],
      ["another code", 0, { reason: "GuestExited", code: 7 }, "ExpectationNotMet"],
      ["a crash that is wanted", { reason: "GuestCrashed" }, { reason: "GuestCrashed" }, undefined],
      ["a crash that is not", true, { reason: "GuestCrashed" }, "GuestCrashed"],
    ],
  )("expect-exit knows %s", async (_title, expected, exit, code) => {
    const result = await play({ steps: [{ "expect-exit": expected }] }, (guest) => guest.end(exit));
    expect(result.error?.code).toBe(code);
  });

  test("begin once the board is on, while its output is watched from the first byte", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const steps = [{ qmp: { execute: "query-status" } }, { "wait-serial": "boot" }];
    const result = await play(
      { steps },
      async (guest) => {
        await settled();
        expect(guest.calls).toEqual([]);
        guest.say("boot");
        resolve();
      },
      { started: promise },
    );
    expect(result.verdict).toBe("passed");
  });

  test("need a running guest", async () => {
    const result = await play({ steps: [{ delay: "1ms" }, { "write-serial": "x" }] }, (guest) => guest.end(done));
    expect(result.error?.code).toBe("UnexpectedExit");
    expect(result.guest.calls).toEqual([]);
  });
});

describe("Fail patterns", () => {
  test("end the test whenever they appear, on any UART", async () => {
    const input = { steps: [{ "wait-serial": "done" }], fail: ["PANIC", { regex: "fault at 0x[0-9a-f]+" }] };
    const result = await play(input, (guest) => guest.say("boot\nusage fault at 0x1234\n", "uart1"));
    expect(result).toMatchObject({ verdict: "failed", error: { code: "FailPatternMatched" } });
    expect(result.error?.details).toMatchObject({ uart: "uart1", match: "usage fault at 0x1" });
    expect(result.steps[0]?.outcome).toBe("failed");
  });

  test("watch only the UART that they name", async () => {
    const input = { steps: [{ "wait-serial": "done" }], fail: [{ regex: "PANIC", uart: "uart1" }] };
    expect((await play(input, (guest) => guest.say("PANIC done"))).verdict).toBe("passed");
  });

  test("win over an end that passes", async () => {
    const result = await play(
      undefined,
      (guest) => {
        guest.say("assert FAILED");
        guest.end(done);
      },
      { failText: "FAILED" },
    );
    expect(result.error?.code).toBe("FailPatternMatched");
  });

  test("that cost too much end the test with what is wrong", async () => {
    const result = await play({ steps: [{ "wait-serial": "x" }], fail: [{ regex: "[ab]*a[ab]{900}c" }] }, (guest) => {
      let seed = 1;
      const random = () => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return seed & 0x10000 ? 0x61 : 0x62;
      };
      guest.say(Buffer.from(Array.from({ length: 100_000 }, random)));
    });
    expect(result).toMatchObject({ verdict: "errored", error: { code: "InvalidPattern" } });
  });
});

describe("expectText", () => {
  test("passes as soon as it is seen", async () => {
    expect((await play(undefined, (guest) => guest.say("all OK"), { expectText: "OK" })).verdict).toBe("passed");
  });

  test("fails when the guest ends without it", async () => {
    const result = await play(undefined, (guest) => guest.end(done), { expectText: "OK" });
    expect(result.error?.message).toBe('expectText: expected "OK", but the guest ended (GuestExited with code 0).');
  });
});

describe("The end from outside", () => {
  test.each([
    [new FarmError("JobTimeout", { timeout: "30s", clock: "wall", waitingFor: "x" }), "timedOut"],
    [new FarmError("Cancelled", { reason: "by a person" }), "cancelled"],
    [new FarmError("OutputLimit", { limitBytes: 1, uart: "uart0" }), "failed"],
    [new FarmError("AgentLost", { agent: "a", detail: "b" }), "errored"],
  ])("is the verdict: $code", async (error, verdict) => {
    const progress = new Progress();
    const result = await play({ steps: [{ "wait-serial": "never" }] }, () => progress.abort(error), { progress });
    expect(result).toMatchObject({ verdict, error: { code: error.code } });
  });

  test("comes from the scenario's own timeout too", async () => {
    const result = await play({ steps: [{ "wait-serial": "never" }], timeout: "10ms" }, () => {});
    expect(result.error?.message).toBe(
      'The job was not done within 10ms (wall time): it was waiting for step 1, wait-serial "never".',
    );
  });
});
