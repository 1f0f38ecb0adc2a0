import type { KubeMetrics } from "./kube-metrics.ts";

export type ReconcileResult = "success" | "requeue_after" | "error";

/** What one queue tells, under its name. */
export class QueueMetrics implements Disposable {
  readonly #metrics: KubeMetrics;
  readonly #labels: { readonly name: string; readonly controller: string };
  readonly #controller: { readonly controller: string };
  readonly #reader: Disposable;

  /** @param running how long each key that has a worker has had it, in ms */
  constructor(metrics: KubeMetrics, name: string, workers: number, running: () => readonly number[]) {
    this.#metrics = metrics;
    this.#labels = { name, controller: name };
    this.#controller = { controller: name };
    metrics.maxConcurrentReconciles.set(this.#controller, workers);
    metrics.reconcileErrors.inc(this.#controller, 0);
    metrics.retries.inc(this.#labels, 0);
    this.depth(0);
    this.active(0);
    this.#reader = metrics.readWhenAsked(() => {
      const runningMs = running();
      metrics.unfinishedSeconds.set(this.#labels, runningMs.reduce((sum, ms) => sum + ms, 0) / 1_000);
      metrics.longestSeconds.set(this.#labels, Math.max(0, ...runningMs) / 1_000);
    });
  }

  added(): void {
    this.#metrics.adds.inc(this.#labels);
  }

  retried(): void {
    this.#metrics.retries.inc(this.#labels);
  }

  depth(keys: number): void {
    this.#metrics.depth.set(this.#labels, keys);
  }

  active(workers: number): void {
    this.#metrics.activeWorkers.set(this.#controller, workers);
  }

  taken(waitedMs: number): void {
    this.#metrics.queueSeconds.observe(this.#labels, waitedMs / 1_000);
  }

  done(result: ReconcileResult, tookMs: number): void {
    const { reconciles, reconcileErrors, reconcileSeconds, workSeconds } = this.#metrics;
    reconciles.inc({ ...this.#controller, result });
    if (result === "error") reconcileErrors.inc(this.#controller);
    reconcileSeconds.observe(this.#controller, tookMs / 1_000);
    workSeconds.observe(this.#labels, tookMs / 1_000);
  }

  /** No more to be told but the sums: gauges of a queue that is gone would stand still. */
  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    const { depth, unfinishedSeconds, longestSeconds, activeWorkers, maxConcurrentReconciles } = this.#metrics;
    for (const gauge of [depth, unfinishedSeconds, longestSeconds]) gauge.remove(this.#labels);
    for (const gauge of [activeWorkers, maxConcurrentReconciles]) gauge.remove(this.#controller);
  }
}
