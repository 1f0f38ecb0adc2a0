import { describe, expect, test } from "vitest";
import { play } from "./fake-guest.ts";

describe("The monitor for Unity", () => {
  const monitors = [{ type: "unity" as const }];

  test("finds test cases with file, line and message", async () => {
    const result = await play({ monitors }, (guest) => {
      guest.say("test/test_led.c:12:test_on:PASS\r\ntest/test_led.c:30:test_blink:FAIL: Expected 1 Was 2\r\n");
      guest.say("test/test_led.c:41:test_later:IGNORE: not yet\r\n\r\n---\r\n3 Tests 1 Failures 1 Ignored\r\nFAIL\r\n");
    });
    expect(result).toMatchObject({ verdict: "failed", error: { code: "TestCasesFailed" } });
    expect(result.error?.message).toBe("1 of 3 test cases failed: test_blink.");
    expect(result.testCases).toEqual([
      { suite: "test/test_led.c", name: "test_on", outcome: "passed", file: "test/test_led.c", line: 12 },
      {
        suite: "test/test_led.c",
        name: "test_blink",
        outcome: "failed",
        message: "Expected 1 Was 2",
        file: "test/test_led.c",
        line: 30,
      },
      {
        suite: "test/test_led.c",
        name: "test_later",
        outcome: "skipped",
        message: "not yet",
        file: "test/test_led.c",
        line: 41,
      },
    ]);
  });

  test("cuts what a hostile guest makes too long for a report", async () => {
    const long = "x".repeat(10_000);
    const result = await play({ monitors }, (guest) => {
      guest.say(`a.c:1:${long}:FAIL: short\nb.c:2:test_b:FAIL: ${long}\n2 Tests 2 Failures 0 Ignored\n`);
    });
    expect(result.testCases.map(({ name, message }) => [name.length, message?.length])).toEqual([
      [400, 5],
      [6, 4_000],
    ]);
  });

  test("reads fixtures", async () => {
    const result = await play({ monitors }, (guest) => {
      guest.say("TEST(led, on) PASS\nTEST(led, off)src/led.c:7::FAIL: Expected TRUE\n2 Tests 1 Failures 0 Ignored\n");
    });
    expect(result.testCases.map(({ suite, name, outcome }) => `${suite}.${name} ${outcome}`)).toEqual([
      "led.on passed",
      "led.off failed",
    ]);
  });

  test("fails a suite that ended without a test case", async () => {
    const result = await play({ monitors }, (guest) => guest.say("0 Tests 0 Failures 0 Ignored\nOK\n"));
    expect(result.error?.message).toBe("monitor unity: expected at least 1 test cases, but there were 0.");
  });
});

describe("The monitor for ztest", () => {
  test("finds suites, durations and the assertion that failed", async () => {
    const result = await play({ monitors: [{ type: "ztest" }] }, (guest) => {
      guest.say(
        "Running TESTSUITE kernel\n===\nSTART - test_a\n PASS - test_a in 0.003 seconds\n===\nSTART - test_b\n",
      );
      guest.say("\n    Assertion failed at WEST_TOPDIR/t/main.c:31: test_b: (1 not equal to 2)\n");
      guest.say(" FAIL - test_b in 0.001 seconds\n SKIP - test_c in 0.000 seconds\n");
      guest.say("SUITE FAIL - 50.00% [kernel]: pass = 1\n - PASS - [kernel.test_a] duration = 0.003 seconds\n");
      guest.say("PROJECT EXECUTION FAILED\n");
    });
    expect(result.verdict).toBe("failed");
    expect(result.testCases).toEqual([
      { suite: "kernel", name: "test_a", outcome: "passed", durationMs: 3 },
      {
        suite: "kernel",
        name: "test_b",
        outcome: "failed",
        message: "test_b: (1 not equal to 2)",
        file: "WEST_TOPDIR/t/main.c",
        line: 31,
        durationMs: 1,
      },
      { suite: "kernel", name: "test_c", outcome: "skipped", durationMs: 0 },
    ]);
  });

  test("believes the framework that says failure", async () => {
    const result = await play({ monitors: [{ type: "ztest" }] }, (guest) => {
      guest.say(" PASS - test_a in 0.003 seconds\nPROJECT EXECUTION FAILED\n");
    });
    expect(result.error?.code).toBe("ExpectationNotMet");
  });
});

describe("A monitor with a pattern", () => {
  const monitors = [
    {
      type: "regex" as const,
      pattern:
        "^\\[(?P<suite>\\w+)\\] (?P<name>\\w+) (?P<result>\\w+)(?: at (?P<file>\\S+):(?P<line>\\d+))?(?:, (?P<message>.*))?$",
      end: "^tests done",
    },
  ];

  test("reads named groups, and ends at its end", async () => {
    const result = await play({ monitors }, (guest) => {
      guest.say("[net] ping PASS\n[net] pong BROKEN at net.c:9, no answer\n[net] later SKIP\ntests done\n");
    });
    expect(result.testCases).toEqual([
      { suite: "net", name: "ping", outcome: "passed" },
      { suite: "net", name: "pong", outcome: "failed", message: "no answer", file: "net.c", line: 9 },
      { suite: "net", name: "later", outcome: "skipped" },
    ]);
  });

  test("takes the guest's end for its own, with the last line lacking its end", async () => {
    const result = await play({ monitors }, (guest) => {
      guest.say("[net] ping PASS");
      guest.end({ reason: "GuestExited", code: 0 });
    });
    expect(result).toMatchObject({ verdict: "passed", testCases: [{ name: "ping" }] });
  });
});
