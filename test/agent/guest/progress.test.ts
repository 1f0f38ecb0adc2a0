import { expect, test } from "vitest";
import { Progress } from "../../../src/agent/progress.ts";

test("a race that is over before it begins takes its runner's failure with it", async () => {
  using progress = new Progress();
  const reason = new Error("no longer wanted");
  progress.abort(reason);
  const { promise, reject } = Promise.withResolvers<void>();
  await expect(progress.race(promise)).rejects.toBe(reason);
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on("unhandledRejection", note);
  reject(new Error("of the runner"));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
