import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { createFarmClient } from "../../src/client/farm-client.ts";
import { CliPlace, image } from "../cli/cli-place.ts";
import { canMount, mountSmallDisk } from "./small-disk.ts";

const BOARD = "mps2-an385";
const JOBS = 60;

test("a data folder that is full in the middle of a run: who submits is told, and with room again each job gets one verdict", {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(!canMount(), "a disk that can be filled takes root, which may mount");
  using place = new CliPlace();
  await using disk = await mountSmallDisk(place.data, 16);
  const up = place.start(["up", "--port", "0", "--slots", "2"]);
  await up.said("is up");
  const { url } = JSON.parse(readFileSync(join(place.data, "farm.json"), "utf8"));
  await using farm = createFarmClient({ address: url, token: readFileSync(join(place.data, "token"), "utf8") });

  const { sha256 } = await farm.uploadBytes(await readFile(image(BOARD, "hello")));
  // Each in an emulator of its own: none is started ahead of a job that waits.
  const jobs = Array.from({ length: JOBS }, () => ({ board: BOARD, firmware: { sha256 }, strategy: "spawn" as const }));
  const run = await farm.submitRun({ jobs });
  const underWay = Promise.withResolvers<void>();
  const following = (async () => {
    const verdicts: string[] = [];
    for await (const event of farm.events(run.id, { giveUpAfterMs: 240_000 })) {
      if (event.type !== "jobFinished") continue;
      verdicts.push(`${event.jobId} ${event.verdict.verdict}`);
      if (verdicts.length === 10) underWay.resolve();
    }
    return verdicts;
  })();
  await underWay.promise;
  await disk.fill();
  const full = { code: "StoreFull", message: expect.stringContaining("is full. Free space there") };
  await expect(farm.submitRun({ jobs })).rejects.toMatchObject(full);
  await expect(farm.uploadBytes(Buffer.alloc(100_000))).rejects.toMatchObject(full);
  // Nothing more can be recorded: the farm stands still, and stands.
  await vi.waitFor(async () => expect(await emulatorsOf(place)).toEqual([]), { timeout: 60_000 });
  await disk.free();

  const verdicts = await following;
  expect(verdicts.length).toBe(JOBS);
  expect(new Set(verdicts).size).toBe(JOBS);
  expect(verdicts.filter((text) => !text.endsWith(" passed"))).toEqual([]);
  up.signal("SIGTERM");
  const { code, stderr } = await up.result;
  expect(stderr).not.toContain("starting it again");
  expect(code).toBe(0);
});

async function emulatorsOf(place: CliPlace): Promise<string[]> {
  return place.processes().flatMap(({ command }) => (/^\S*qemu-system/.test(command) ? [command] : []));
}
