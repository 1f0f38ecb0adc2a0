import { Counter, Gauge, Registry } from "prom-client";

/**
 * A registry with the standard metrics of the process. They are read when asked for: prom-client's own set keeps
 * timers and observers running, which an idle farm would pay for.
 */
export function createMetrics(): Registry {
  const registry = new Registry();
  const registers = [registry];
  let countedSeconds = 0;
  new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time that the process has used, in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const seconds = (user + system) / 1e6;
      this.inc(seconds - countedSeconds);
      countedSeconds = seconds;
    },
  });
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of the process that is resident, in bytes.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start of the process, in seconds since 1970.",
    registers,
  }).set(performance.timeOrigin / 1_000);
  return registry;
}
