import { type BenchCase, figure } from "../case.ts";
import { type BenchAgent, startBenchAgent } from "../measure/agent.ts";
import { startBareGuest } from "../measure/bare-qemu.ts";
import { testImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const ROUNDS = 3;
const FAIL_PATTERNS = Array.from({ length: 50 }, (_, index) => ({
  regex: `(panic|assert\\w*) +at +0x[0-9a-f]+ task${index}`,
}));

/** 4 MiB out of a UART through the hub, its log and 50 fail patterns, against a bare QEMU socket. */
export const bulk: BenchCase = {
  name: "bulk",
  title: "UART bulk output",
  async run(say) {
    const image = await testImage("bulk-output");
    await using agent = await startBenchAgent(1);
    const ratios: number[] = [];
    const patternRatios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const bare = await bareBytesPerSecond(image);
      const ours = await bytesPerSecond(agent, image, []);
      const watched = await bytesPerSecond(agent, image, FAIL_PATTERNS);
      say([bare, ours, watched].map((rate) => `${Math.round(rate / 1_000)} kB/s`).join(", "));
      ratios.push(ours / bare);
      patternRatios.push(watched / ours);
    }
    return [
      figure("bulk", median(ratios), "ratio", "bare QEMU socket", ">=", 0.9),
      figure("bulk-50-patterns", median(patternRatios), "ratio", "the farm without patterns", ">=", 0.8),
    ];
  },
};

async function bareBytesPerSecond(image: string): Promise<number> {
  await using guest = await startBareGuest(image);
  await guest.firstByteMs;
  const started = performance.now();
  let bytes = 0;
  for await (const chunk of guest.uart as AsyncIterable<Buffer>) bytes += chunk.length;
  return (bytes * 1_000) / (performance.now() - started);
}

async function bytesPerSecond(agent: BenchAgent, image: string, fail: readonly { regex: string }[]): Promise<number> {
  const scenario = { version: 1 as const, fail: [...fail], steps: [{ "expect-exit": 0 }] };
  const result = await agent.runAttempt(image, { scenario, timeout: "120s", limits: { output: 100_000_000 } });
  if (result.verdict !== "passed") throw new Error(`the attempt is ${result.verdict}: ${result.error?.message}`);
  const bytes = result.logs.reduce((sum, log) => sum + log.bytes, 0);
  return (bytes * 1_000) / (result.timings.totalMs - (result.timings.firstByteMs ?? 0));
}
