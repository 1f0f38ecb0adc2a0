import { expect, it } from "vitest";
import { Convergence } from "../../../src/agent/instance/convergence.ts";

/** A convergence whose runs end when the test says so. */
function setup() {
  const runs: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  let settled = Promise.withResolvers<void>();
  const convergence = new Convergence({
    converge() {
      const run = Promise.withResolvers<void>();
      runs.push(run);
      return run.promise;
    },
    onFailed: (error) => failures.push(error),
    onSettled() {
      settled.resolve();
      settled = Promise.withResolvers();
    },
  });
  return { convergence, runs, failures, nextSettled: () => settled.promise };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it("runs once at a time, and once more however much has changed meanwhile", async () => {
  const { convergence, runs, nextSettled } = setup();
  convergence.wake();
  convergence.wake();
  convergence.wake();
  expect(runs).toHaveLength(1);
  expect(convergence.isUnderWay).toBe(true);
  runs[0]?.resolve();
  await turn();
  expect(runs).toHaveLength(2);
  const settled = nextSettled();
  runs[1]?.resolve();
  await settled;
  expect(convergence.isUnderWay).toBe(false);
  convergence.wake();
  expect(runs).toHaveLength(3);
});

it("tells a failure, and tries again only when it is woken", async () => {
  const { convergence, runs, failures, nextSettled } = setup();
  convergence.wake();
  const settled = nextSettled();
  runs[0]?.reject(new Error("no slot"));
  await settled;
  expect(failures).toEqual([new Error("no slot")]);
  expect(runs).toHaveLength(1);
  convergence.wake();
  expect(runs).toHaveLength(2);
});

it("begins nothing after its end, which waits for what is under way and does not tell how that failed", async () => {
  const { convergence, runs, failures } = setup();
  convergence.wake();
  convergence.wake();
  const ended = convergence[Symbol.asyncDispose]();
  runs[0]?.reject(new Error("aborted"));
  await ended;
  convergence.wake();
  await turn();
  expect(runs).toHaveLength(1);
  expect(failures).toEqual([]);
});
