import { FarmError } from "../../core/error/farm-error.ts";
import type { Monitor } from "../../core/schema/scenario.ts";
import type { TestCase } from "../../core/wire/attempt.ts";
import { LineReader } from "../../pattern/line-reader.ts";
import type { GuestControl } from "./guest-control.ts";
import { createLineMonitor } from "./monitor/create-line-monitor.ts";

/** Test cases that one job may report; a guest that prints more has the rest counted only. */
const MAX_TEST_CASES = 10_000;
const MAX_NAMES_SHOWN = 5;
/** What a guest prints as a test case goes into result, verdict and reports: a hostile one must not fill them. */
const MAX_NAME_CHARACTERS = 400;
const MAX_MESSAGE_CHARACTERS = 4_000;

interface Watched {
  readonly monitor: Monitor;
  readonly reader: LineReader;
  stop(): void;
  cases: number;
  isEnded: boolean;
  hasFailed: boolean;
}

/** All monitors of a scenario at work. */
export class TestMonitors implements Disposable {
  readonly testCases: TestCase[] = [];
  /** Settles once every monitor has seen its end; never, where one has none. */
  readonly ended: Promise<void>;
  readonly #watched: Watched[];
  readonly #settle: () => void;
  #total = 0;
  #failed = 0;

  constructor(guest: GuestControl, monitors: readonly Monitor[]) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#settle = resolve;
    this.#watched = monitors.map((monitor) => this.#watch(guest, monitor));
  }

  get isEmpty(): boolean {
    return this.#watched.length === 0;
  }

  /** The guest has ended: reads a last line that lacks its end. */
  finish(): void {
    for (const { reader } of this.#watched) reader.finish();
  }

  /** What is wrong with what was seen; undefined when all is well. */
  problem(): FarmError | undefined {
    if (this.#failed > 0) return this.#casesFailed();
    for (const { monitor, cases, hasFailed } of this.#watched) {
      const step = `monitor ${monitor.type}`;
      if (hasFailed) {
        return new FarmError("ExpectationNotMet", { step, expected: "success", actual: "its summary says failure" });
      }
      if (cases >= monitor.minCases) continue;
      const expected = `at least ${monitor.minCases} test cases`;
      return new FarmError("ExpectationNotMet", { step, expected, actual: `there were ${cases}` });
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    for (const watched of this.#watched) watched.stop();
  }

  #watch(guest: GuestControl, monitor: Monitor): Watched {
    const read = createLineMonitor(monitor);
    const uart = guest.uarts.get(monitor.uart ?? guest.console);
    if (uart === undefined) throw new FarmError("NotFound", { kind: "UART", name: monitor.uart ?? guest.console });
    const reader = new LineReader((line) => {
      const finding = read(line);
      if (finding?.testCase) this.#add(watched, finding.testCase);
      if (finding?.end) this.#end(watched, finding.end.failed ?? false);
    });
    const stop = uart.onData((chunk) => reader.feed(chunk));
    const watched: Watched = { monitor, reader, stop, cases: 0, isEnded: false, hasFailed: false };
    return watched;
  }

  #add(watched: Watched, testCase: TestCase): void {
    watched.cases += 1;
    this.#total += 1;
    if (testCase.outcome === "failed") this.#failed += 1;
    if (this.testCases.length < MAX_TEST_CASES) this.testCases.push(cut(testCase));
  }

  #end(watched: Watched, hasFailed: boolean): void {
    watched.isEnded = true;
    watched.hasFailed ||= hasFailed;
    if (this.#watched.every((one) => one.isEnded)) this.#settle();
  }

  #casesFailed(): FarmError {
    const failed = this.testCases.filter((one) => one.outcome === "failed").map(({ name }) => name);
    const shown = failed.slice(0, MAX_NAMES_SHOWN).join(", ");
    const names = this.#failed > MAX_NAMES_SHOWN ? `${shown} and ${this.#failed - MAX_NAMES_SHOWN} more` : shown;
    return new FarmError("TestCasesFailed", { failed: this.#failed, total: this.#total, names });
  }
}

function cut(testCase: TestCase): TestCase {
  const { suite, name, file, message } = testCase;
  return {
    ...testCase,
    suite: suite.slice(0, MAX_NAME_CHARACTERS),
    name: name.slice(0, MAX_NAME_CHARACTERS),
    ...(file !== undefined && { file: file.slice(0, MAX_NAME_CHARACTERS) }),
    ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE_CHARACTERS) }),
  };
}
