// Preloaded into a process of the farm: its wall clock is set forward by an hour with the first SIGUSR2, and back to
// an hour before the truth with the second. The monotonic clock goes on, as it does where a system's clock is set.
const HOUR_MS = 3_600_000;
const systemNow = Date.now;
let offsetMs = 0;

process.on("SIGUSR2", () => {
  offsetMs = offsetMs === 0 ? HOUR_MS : -HOUR_MS;
  process.stderr.write(`{"msg":"the clock is off by ${offsetMs} ms"}\n`);
});

const now = () => systemNow() + offsetMs;

globalThis.Date = new Proxy(Date, {
  construct: (target, values) => Reflect.construct(target, values.length === 0 ? [now()] : values),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
