/** Kubernetes tells nobody that it is ready: it is asked. */
import { type RequestOptions, request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

const PROBE_MS = 100;
const ANSWER_MS = 2000;

/** Whether an API server says that it is ready; an error of any kind means that it is not, or not yet. */
export async function isApiServerReady(url: string, trust: Pick<RequestOptions, "ca" | "cert" | "key" | "headers">) {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const asked = request(`${url}/readyz`, { ...trust, timeout: ANSWER_MS, agent: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode === 200);
  });
  asked.on("timeout", () => asked.destroy());
  asked.on("error", () => resolve(false));
  asked.end();
  return await promise;
}

/** @throws what `onDeadline` makes, when the answer was no for so long */
export async function untilTrue(
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs: number,
  onDeadline: () => Error | Promise<Error>,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw await onDeadline();
    await sleep(PROBE_MS);
  }
}
