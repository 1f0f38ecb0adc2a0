import { pino } from "pino";
import { openFarmQueue } from "../../src/api/queue/farm-queue.ts";
import type { WaitingRoom } from "../../src/api/queue/waiting-room.ts";
import { type BenchCase, figure } from "../case.ts";
import { startBenchFarm } from "../measure/farm.ts";
import { median } from "../measure/statistics.ts";

const FEW = 100;
const MANY = 100_000;
const JOBS = 500;
const ROUNDS = 5;
const TENANTS = 10;

/** What the queue costs a job, from its submission to its admission, with many waiting and with few. */
export const waiting: BenchCase = {
  name: "waiting",
  title: "a job's cost with 100,000 waiting",
  async run(say) {
    await using farm = await startBenchFarm({ slots: 1 });
    await using queue = await openFarmQueue({ address: `unix:${farm.redisSocket}`, log: pino({ level: "silent" }) });
    // Pools that no dispatcher serves: nobody else takes their jobs out.
    await fill(queue.waitingRoom, "bench-few", FEW);
    await fill(queue.waitingRoom, "bench-many", MANY);
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const few = await jobMs(queue.waitingRoom, "bench-few", round);
      const many = await jobMs(queue.waitingRoom, "bench-many", round);
      say(`${few.toFixed(3)} ms a job with ${FEW} waiting, ${many.toFixed(3)} ms with ${MANY}`);
      ratios.push(many / few);
    }
    return [figure("waiting", median(ratios), "ratio", `with ${FEW} waiting`, "<=", 1.1)];
  },
};

async function fill(room: WaitingRoom, pool: string, count: number): Promise<void> {
  const jobs = Array.from({ length: count }, (_, index) => ({
    jobId: `waiting-${index}`,
    tenant: `tenant-${index % TENANTS}`,
    priority: 50,
  }));
  await room.submit(pool, jobs);
}

/** One after the other: as many go in as come out, so that the number that waits stays. */
async function jobMs(room: WaitingRoom, pool: string, round: number): Promise<number> {
  const started = performance.now();
  for (let job = 0; job < JOBS; job++) {
    await room.submit(pool, [{ jobId: `new-${round}-${job}`, tenant: `tenant-${job % TENANTS}`, priority: 50 }]);
    await room.admit(pool, 1);
  }
  return (performance.now() - started) / JOBS;
}
