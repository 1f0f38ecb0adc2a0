import { FarmError } from "../../core/error/farm-error.ts";
import { verdictOfError } from "../../core/policy/verdict-of-error.ts";
import { durationMs, formatDuration } from "../../core/schema/duration.ts";
import type { Scenario, ScenarioStep } from "../../core/schema/scenario.ts";
import type { GuestExit, StepResult } from "../../core/wire/attempt.ts";
import { compilePattern } from "../../pattern/pattern.ts";
import { Progress } from "../progress.ts";
import { describeExit, exitError } from "./guest-end.ts";
import { failPatternMatched, failPatterns, watchPatterns } from "./pattern-watch.ts";
import type { ScenarioResult, ScenarioRunOptions } from "./scenario-result.ts";
import { SerialStream } from "./serial-stream.ts";
import { performStep, type StepContext, waitSerialReport } from "./step-actions.ts";
import { stepInWords, stepTitle } from "./step-title.ts";
import { TestMonitors } from "./test-monitors.ts";

type Timeout = Pick<Scenario, "timeout" | "clock">;
type TimeoutError = (details: { timeout: string; clock: string }) => FarmError;

/** One run of a scenario: what it watches, where it stands, and what came out. */
export class ScenarioExecution {
  readonly #options: ScenarioRunOptions;
  readonly #scenario: Scenario | undefined;
  readonly #progress: Progress;
  readonly #monitors: TestMonitors;
  readonly #streams: ReadonlyMap<string, SerialStream>;
  readonly #expected: Promise<void>;
  readonly #unwatch: (() => void)[] = [];
  readonly #steps: StepResult[];
  #stepProgress: Progress | undefined;
  /** Undefined until the board is on. */
  #waitingFor: string | undefined;
  #isTextSeen = false;
  #isPaused = false;

  constructor(options: ScenarioRunOptions) {
    const { guest, scenario } = options;
    this.#options = options;
    this.#scenario = scenario;
    this.#progress = new Progress(options.progress);
    // The order of the listeners matters: what fails a test comes before what passes it.
    this.#watchForFailure();
    this.#monitors = new TestMonitors(guest, scenario?.monitors ?? []);
    this.#expected = this.#watchForText();
    this.#streams = this.#openStreams();
    this.#steps = (scenario?.steps ?? []).map((step, index) => ({
      index,
      title: stepTitle(step),
      outcome: "notReached",
      clock: step.clock ?? "wall",
    }));
  }

  get waitingFor(): string {
    return this.#waitingFor ?? this.#options.describeStart?.() ?? "the board's start";
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const progress of [this.#progress, this.#stepProgress]) {
      if (isPaused) progress?.pauseClock();
      else progress?.resumeClock();
    }
  }

  async run(): Promise<ScenarioResult> {
    const error = await this.#perform().then(
      () => undefined,
      (reason: unknown) => this.#failureOf(FarmError.from(reason)),
    );
    for (const stop of this.#unwatch) stop();
    for (const disposable of [...this.#streams.values(), this.#monitors, this.#progress]) disposable[Symbol.dispose]();
    const outcome = { steps: this.#steps, testCases: this.#monitors.testCases };
    return error === undefined
      ? { verdict: "passed", ...outcome }
      : { verdict: verdictOfError(error), error, ...outcome };
  }

  async #perform(): Promise<void> {
    this.#setScenarioDeadline();
    const { started } = this.#options;
    if (started) await this.#progress.race(started);
    for (const [index, step] of (this.#scenario?.steps ?? []).entries()) await this.#performStep(step, index);
    await this.#reachGoals();
    this.#progress.signal.throwIfAborted();
  }

  /** A timeout with failed test cases is a failed test. */
  #failureOf(error: FarmError): FarmError {
    if (verdictOfError(error) !== "timedOut") return error;
    const problem = this.#monitors.problem();
    return problem?.code === "TestCasesFailed" ? problem : error;
  }

  async #performStep(step: ScenarioStep, index: number): Promise<void> {
    const { guest, limits, nowMs, onStep } = this.#options;
    const result = this.#steps[index] as StepResult;
    using progress = new Progress(this.#progress);
    const setPaused = (isPaused: boolean) => this.setPaused(isPaused);
    const context: StepContext = { guest, limits, progress, streams: this.#streams, setPaused };
    const takeBackDeadline = this.#setStepDeadline(step, context);
    this.#waitingFor = `step ${index + 1}, ${stepInWords(step)}`;
    result.startedMs = nowMs();
    try {
      await performStep(step, context);
      this.#progress.signal.throwIfAborted();
      result.outcome = "passed";
    } catch (error) {
      result.outcome = verdictOfError(FarmError.from(error)) === "timedOut" ? "timedOut" : "failed";
      throw error;
    } finally {
      takeBackDeadline();
      this.#stepProgress = undefined;
      result.durationMs = nowMs() - result.startedMs;
      onStep?.(result);
    }
  }

  #setStepDeadline(step: ScenarioStep, context: StepContext): () => void {
    const { progress } = context;
    this.#stepProgress = progress;
    const takeBack = this.#setDeadline(progress, step, (details) => {
      const report = step["wait-serial"] === undefined ? {} : waitSerialReport(step, context);
      return new FarmError("StepTimeout", { step: stepInWords(step), ...details, ...report });
    });
    if (this.#isPaused) progress.pauseClock();
    return takeBack;
  }

  #setScenarioDeadline(): void {
    if (this.#scenario === undefined) return;
    const takeBack = this.#setDeadline(this.#progress, this.#scenario, (details) => {
      return new FarmError("JobTimeout", { ...details, waitingFor: `it was waiting for ${this.waitingFor}` });
    });
    this.#unwatch.push(takeBack);
  }

  /** By the clock that it says: a board's slowness is not in its guest's own time. Returns how to take it back. */
  #setDeadline(progress: Progress, { timeout, clock = "wall" }: Timeout, error: TimeoutError): () => void {
    if (timeout === undefined) return () => {};
    const { guest, timeoutMultiplier } = this.#options;
    const timeoutMs = durationMs(timeout) * (clock === "wall" ? timeoutMultiplier : 1);
    const timedOut = () => error({ timeout: formatDuration(timeoutMs), clock });
    if (clock === "guest") return guest.afterGuestTime(timeoutMs, () => progress.abort(timedOut()));
    progress.setDeadline(timeoutMs, timedOut);
    return () => {};
  }

  /** After the steps: what else the scenario waits for; without any of it, the guest's end. */
  async #reachGoals(): Promise<void> {
    const { guest, expectText, limits } = this.#options;
    const hasGoals = !this.#monitors.isEmpty || expectText !== undefined;
    if (!hasGoals && this.#steps.length > 0) return;
    const goals: Promise<void>[] = [];
    const words: string[] = [];
    if (expectText !== undefined) {
      goals.push(this.#expected);
      words.push(`the text ${JSON.stringify(expectText)}`);
    }
    if (!this.#monitors.isEmpty) {
      goals.push(this.#monitors.ended);
      words.push("the end of the test cases");
    }
    this.#waitingFor = hasGoals ? words.join(" and ") : "the guest's end";
    const reached = hasGoals ? [Promise.all(goals).then(() => undefined)] : [];
    const exit = await this.#progress.race(Promise.race([...reached, guest.exited()]));
    this.#progress.signal.throwIfAborted();
    if (exit !== undefined) this.#monitors.finish();
    const problem = this.#monitors.problem();
    if (problem) throw problem;
    const wrongEnd = exit && (exitError(exit, limits) ?? this.#missingText(exit));
    if (wrongEnd) throw wrongEnd;
  }

  #missingText(exit: GuestExit): FarmError | undefined {
    const { expectText } = this.#options;
    if (expectText === undefined || this.#isTextSeen) return undefined;
    const actual = `the guest ended (${describeExit(exit)})`;
    return new FarmError("ExpectationNotMet", { step: "expectText", expected: JSON.stringify(expectText), actual });
  }

  #watchForFailure(): void {
    const { guest, failText } = this.#options;
    const abort = (error: FarmError) => this.#progress.abort(error);
    const watched = failPatterns(this.#scenario, failText);
    this.#unwatch.push(watchPatterns(guest, watched, (match) => abort(failPatternMatched(match)), abort));
  }

  #watchForText(): Promise<void> {
    const { guest, expectText } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    if (expectText === undefined) return promise;
    const watched = [{ pattern: compilePattern({ text: expectText }) }];
    const onMatch = () => {
      this.#isTextSeen = true;
      resolve();
    };
    this.#unwatch.push(watchPatterns(guest, watched, onMatch, (error) => this.#progress.abort(error)));
    return promise;
  }

  /** Only UARTs that a wait-serial step names are buffered. */
  #openStreams(): Map<string, SerialStream> {
    const { guest } = this.#options;
    const waits = (this.#scenario?.steps ?? []).flatMap((step) => step["wait-serial"] ?? []);
    const names = new Set(waits.map((wait) => (typeof wait === "string" ? undefined : wait.uart) ?? guest.console));
    return new Map(
      [...guest.uarts].filter(([name]) => names.has(name)).map(([name, uart]) => [name, new SerialStream(uart)]),
    );
  }
}
