import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFailed, test } from "vitest";
import { objectsIn, untilMoved } from "../api/store/bucket-farm.ts";
import { noS3Server, startS3Server } from "../api/store/s3-server.ts";
import { createTemporaryFolder } from "../api/store/temporary-folder.ts";
import { buildFirmware } from "../firmware/build.ts";
import { FarmFixture, PARTS } from "./farm-fixture.ts";

const JOBS = 12;
/** Enough of them make a log that is too long to lie in its verdict. */
const LINES = 2_000;
const reason = noS3Server();

describe.skipIf(reason)(`a farm with a bucket${reason === undefined ? "" : ` (${reason})`}`, () => {
  test("whose server goes away in the middle of a run, and then all of the farm: each job has its verdict and its whole log", {
    timeout: 600_000,
  }, async () => {
    await using folder = await createTemporaryFolder();
    await using server = await startS3Server();
    const { settings } = server;
    const keys = { id: settings.accessKeyId, secret: settings.secretAccessKey };
    for (const [name, text] of Object.entries(keys)) await writeFile(join(folder.path, name), text);
    await using farm = await FarmFixture.start({
      EMUFARM_STORE_S3_BUCKET: settings.bucket,
      EMUFARM_STORE_S3_ENDPOINT: settings.endpoint,
      EMUFARM_STORE_S3_ACCESS_KEY_FILE: join(folder.path, "id"),
      EMUFARM_STORE_S3_SECRET_KEY_FILE: join(folder.path, "secret"),
    });
    onTestFailed(() => console.error(farm.said.slice(-20_000)));
    const image = await readFile(join(await buildFirmware(), "mps2-an385/bulk-output.elf"));
    const run = await farm.submit(image, JOBS, { expectText: lineOf(LINES), timeout: "5m" });
    const isAway = Promise.withResolvers<void>();
    const isWorse = Promise.withResolvers<void>();
    const following = farm.follow(run.id, (count) => {
      if (count === 3) isAway.resolve();
      if (count === 6) isWorse.resolve();
    });
    await Promise.race([isAway.promise, following]);
    await server.stop();
    await Promise.race([isWorse.promise, following]);
    await Promise.all([...PARTS.map((part) => farm.killPart(part)), farm.redis.kill()]);
    await farm.redis.start();
    await Promise.all(PARTS.map((part) => farm.startPart(part)));

    // The bucket is still away: no verdict waits for it.
    const verdicts = await following;
    expect(verdicts.filter(({ verdict }) => verdict !== "passed")).toEqual([]);
    expect(new Set(verdicts.map(({ jobId }) => jobId)).size).toBe(JOBS);

    await server.start();
    await untilMoved(join(farm.dataFolder, "store"));
    for (const { jobId } of verdicts) {
      const log = Buffer.concat(await Array.fromAsync(farm.client.log(jobId, "uart0"))).toString();
      expect(log.split("\n").slice(0, LINES)).toEqual(Array.from({ length: LINES }, (_, number) => lineOf(number)));
    }
    const logs = await objectsIn(server.folder, "results/");
    expect(new Set(logs.map((key) => key.split("/").slice(0, -1).join("/"))).size).toBeGreaterThanOrEqual(JOBS);
    expect(await objectsIn(server.folder, "firmware/")).toHaveLength(1);
  });
});

/** As numbered-lines.h writes it. */
function lineOf(number: number): string {
  const letters = Array.from({ length: 55 }, (_, column) => String.fromCharCode(0x41 + (column % 26))).join("");
  return `${String(number).padStart(8, "0")}${letters}`;
}
