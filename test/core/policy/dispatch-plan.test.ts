import { describe, expect, test } from "vitest";
import {
  admissionCount,
  type DispatchAction,
  type ObservedAttempt,
  type ObservedJob,
  planDispatch,
} from "../../../src/core/policy/dispatch-plan.ts";

const jobId = "r0123456789ab-000000";
const job = (more: Partial<ObservedJob> = {}): ObservedJob => ({
  jobId,
  attempt: 1,
  hasVerdict: false,
  isCancelled: false,
  isAtHand: false,
  ...more,
});
const attempt = (number: number, more: Partial<ObservedAttempt> = {}): ObservedAttempt => ({
  agent: "a",
  jobId,
  attempt: number,
  isFinished: false,
  ...more,
});
const finished = { isFinished: true };
const plan = (jobs: ObservedJob[], attempts: ObservedAttempt[] = [], agents: string[] = ["a"]) =>
  planDispatch({ agents: new Set(agents), attempts, jobs });

describe("the plan", () => {
  const cases: [string, DispatchAction[], DispatchAction[]][] = [
    [
      "attaches to an attempt that runs",
      plan([job()], [attempt(1)]),
      [{ type: "attach", jobId, attempt: 1, agent: "a" }],
    ],
    [
      "adopts an attempt that has finished",
      plan([job()], [attempt(1, finished)]),
      [{ type: "adopt", jobId, attempt: 1, agent: "a" }],
    ],
    [
      "takes a later attempt than it knew of for the current one, and ends the older",
      plan([job()], [attempt(1), attempt(2, { agent: "b" })]),
      [
        { type: "cancel", attemptId: `${jobId}.1`, agent: "a" },
        { type: "attach", jobId, attempt: 2, agent: "b" },
      ],
    ],
    [
      "takes no verdict from an attempt that was given up",
      plan([job({ attempt: 2, isAtHand: true })], [attempt(1, finished)]),
      [{ type: "acknowledge", attemptId: `${jobId}.1`, agent: "a" }],
    ],
    [
      "takes no verdict from a twin on an agent that the attempt was not handed to",
      plan([job({ agent: "b", isAtHand: true })], [attempt(1, finished)]),
      [{ type: "acknowledge", attemptId: `${jobId}.1`, agent: "a" }],
    ],
    [
      "lets an agent forget what has a verdict",
      plan([job({ hasVerdict: true })], [attempt(1, finished)]),
      [{ type: "acknowledge", attemptId: `${jobId}.1`, agent: "a" }],
    ],
    [
      "ends an attempt whose job has a verdict",
      plan([job({ hasVerdict: true })], [attempt(1)]),
      [{ type: "cancel", attemptId: `${jobId}.1`, agent: "a" }],
    ],
    [
      "ends an attempt whose run the store no longer has",
      plan([], [attempt(3)]),
      [{ type: "cancel", attemptId: `${jobId}.3`, agent: "a" }],
    ],
    [
      "stops a running attempt of a cancelled job, whose result is its verdict",
      plan([job({ isCancelled: true })], [attempt(1)]),
      [
        { type: "attach", jobId, attempt: 1, agent: "a" },
        { type: "cancel", attemptId: `${jobId}.1`, agent: "a" },
      ],
    ],
    [
      "knows an attempt for lost that its agent does not have",
      plan([job({ agent: "a", isAtHand: true })]),
      [{ type: "lost", jobId, agent: "a" }],
    ],
    ["waits for an agent that has not told yet", plan([job({ agent: "b", isAtHand: true })]), []],
    ["puts a job that nobody has back", plan([job()]), [{ type: "requeue", jobId }]],
    ["leaves a job that is at hand", plan([job({ isAtHand: true })]), []],
    [
      "writes the verdict of a job that was cancelled",
      plan([job({ isCancelled: true })]),
      [{ type: "writeCancelled", jobId }],
    ],
    ["leaves a job that has its verdict", plan([job({ hasVerdict: true })]), []],
  ];
  test.for(cases)("%s", ([, actions, expected]) => {
    expect(actions).toEqual(expected);
  });
});

describe("the number to admit", () => {
  test.for([
    [{ freeSlots: 4, slots: 8, queued: 0 }, 8],
    [{ freeSlots: 0, slots: 8, queued: 0 }, 4],
    [{ freeSlots: 0, slots: 8, queued: 1 }, 3],
    [{ freeSlots: 0, slots: 8, queued: 2 }, 0],
    [{ freeSlots: 0, slots: 0, queued: 0 }, 0],
    [{ freeSlots: 0, slots: 1, queued: 0 }, 1],
    [{ freeSlots: 1, slots: 1, queued: 9 }, 0],
  ] as const)("for %o is %i", ([capacity, count]) => {
    expect(admissionCount(capacity)).toBe(count);
  });
});
