import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFailed, test } from "vitest";
import { buildFirmware } from "../firmware/build.ts";
import { FarmFixture } from "./farm-fixture.ts";

const KILLS = 10;
/** Seconds of the guest's time; a short run for the impatient. */
const SECONDS = Number(process.env.EMUFARM_TEST_LONG_JOB_S ?? 60);
const TICKS = SECONDS * 10;

const PATIENT = { timeout: (SECONDS * 4 + 120) * 1_000 };

test(
  `a dispatcher that is killed ten times during one job of ${SECONDS} s: one attempt, no byte of its log missing`,
  PATIENT,
  async () => {
    await using farm = await FarmFixture.start();
    onTestFailed(() => console.error(farm.said.slice(-20_000)));
    const image = await readFile(join(await buildFirmware(), "mps2-an385/ticker.elf"));
    const run = await farm.submit(image, 1, { expectText: `tick ${TICKS}\n`, timeout: `${SECONDS * 2 + 60}s` });
    const following = farm.follow(run.id);
    for (let kill = 0; kill < KILLS; kill++) {
      // The time is the test: the kills are spread over the job's life.
      await sleep((SECONDS * 1_000) / (KILLS + 1));
      await farm.restartPart("dispatcher");
    }
    const [verdict] = await following;
    expect(verdict).toMatchObject({ verdict: "passed", attempt: 1, attempts: [] });
    const jobId = verdict?.jobId ?? "";
    const log = Buffer.concat(await Array.fromAsync(farm.client.log(jobId, "uart0"))).toString();
    const ticks = Array.from({ length: TICKS }, (_, index) => `tick ${index + 1}\n`).join("");
    expect(log.slice(0, ticks.length)).toBe(ticks);
  },
);

test("of two dispatchers only one hands out, and no job runs twice", async () => {
  await using farm = await FarmFixture.start();
  onTestFailed(() => console.error(farm.said.slice(-20_000)));
  await using _second = await farm.startSecondDispatcher();
  const image = await readFile(join(import.meta.dirname, "../../examples/images/mps2-an385/hello.elf"));
  const run = await farm.submit(image, 60);
  const verdicts = await farm.follow(run.id);
  expect(verdicts.every((verdict) => verdict.verdict === "passed" && verdict.attempt === 1)).toBe(true);
  expect(farm.said.match(/"msg":"dispatching"/g)).toHaveLength(1);
});
