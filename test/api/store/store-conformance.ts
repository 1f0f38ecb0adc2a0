import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../../src/api/store/store.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aResult, aRun, aVerdict } from "../../gen/run.ts";

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
  /** Another process's view of the same data. */
  openAnother(): Promise<Store>;
}

const DAY_MS = 86_400_000;
const NEVER = { maxAgeMs: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER };

/** What every store must do, whatever it keeps things in. */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(async () => await subject[Symbol.asyncDispose]());

    const finish = async (runId: string, count: number) => {
      for (let index = 0; index < count; index += 1) await store.createVerdict(aVerdict(jobIdOf(runId, index)));
    };
    const put = (text: string, expected?: string) => store.putFirmware(Readable.from([Buffer.from(text)]), expected);
    const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

    describe("runs", () => {
      test("a run is read back as it was stored, by another process too", async () => {
        const run = aRun({ jobCount: 3, key: "one" });
        expect(await store.createRun(run)).toMatchObject({ run, isNew: true });
        const { spec: _spec, boards: _boards, ...head } = run;
        await using other = await subject.openAnother();
        expect(await other.readRun(run.id)).toEqual(run);
        expect(await other.readRunHead(run.id)).toEqual(head);
      });

      test("a run that is not there is undefined", async () => {
        expect(await store.readRun("r0000000000000")).toBeUndefined();
        expect(await store.readRunHead("r0000000000000")).toBeUndefined();
        expect(await store.readVerdict("r0000000000000-000000")).toBeUndefined();
        expect(await store.readSummary("r0000000000000")).toBeUndefined();
      });

      test("the same key gives the same run; another tenant's does not", async () => {
        const first = aRun({ key: "k" });
        await store.createRun(first);
        await using other = await subject.openAnother();
        expect(await other.createRun(aRun({ key: "k" }))).toMatchObject({ run: first, isNew: false });
        expect((await other.createRun(aRun({ key: "k", tenant: "other" }))).isNew).toBe(true);
        expect((await store.listRuns({ limit: 10 })).length).toBe(2);
      });

      test("of submissions with one key at the same time exactly one is stored", async () => {
        await using other = await subject.openAnother();
        const created = await Promise.all(
          Array.from({ length: 20 }, (_, index) => (index % 2 ? store : other).createRun(aRun({ key: "race" }))),
        );
        expect(created.filter(({ isNew }) => isNew).length).toBe(1);
        expect(new Set(created.map(({ run }) => run.id)).size).toBe(1);
        expect((await store.listRuns({ limit: 100 })).length).toBe(1);
      });

      test("runs are listed newest first, page by page", async () => {
        const ids: string[] = [];
        for (let count = 0; count < 5; count += 1) ids.unshift((await store.createRun(aRun())).run.id);
        const first = await store.listRuns({ limit: 3 });
        expect(first.map(({ id }) => id)).toEqual(ids.slice(0, 3));
        const rest = await store.listRuns({ limit: 3, before: first[2]?.id ?? "" });
        expect(rest.map(({ id }) => id)).toEqual(ids.slice(3));
      });

      test("runs with jobs without a verdict are unfinished", async () => {
        const [half, whole] = [aRun({ jobCount: 2 }), aRun({ jobCount: 2 })];
        await store.createRun(half);
        await store.createRun(whole);
        await finish(half.id, 1);
        await finish(whole.id, 2);
        expect(await store.listUnfinishedRuns()).toEqual([half.id]);
      });

      test("the first summary stays", async () => {
        const { id } = (await store.createRun(aRun())).run;
        const totals = { total: 1, waiting: 0, running: 0, verdicts: {} as never, unexpected: 0, flaky: 0, skipped: 0 };
        await store.createSummary(id, { finishedAt: "2026-01-01T00:00:00.000Z", totals });
        await store.createSummary(id, { finishedAt: "2027-01-01T00:00:00.000Z", totals });
        expect((await store.readSummary(id))?.finishedAt).toBe("2026-01-01T00:00:00.000Z");
      });

      test("cancellations add up, jobs and then all, each with its first reason", async () => {
        const { id } = (await store.createRun(aRun({ jobCount: 3 }))).run;
        expect(await store.readCancellation(id)).toEqual({ jobs: new Map() });
        await store.createCancellation(id, "one", [jobIdOf(id, 1)]);
        await store.createCancellation(id, "two", [jobIdOf(id, 1), jobIdOf(id, 2)]);
        const jobs = new Map([
          [jobIdOf(id, 1), "one"],
          [jobIdOf(id, 2), "two"],
        ]);
        expect(await store.readCancellation(id)).toEqual({ jobs });
        await store.createCancellation(id, "übrig");
        await store.createCancellation(id, "later");
        expect(await store.readCancellation(id)).toEqual({ run: "übrig", jobs });
      });
    });

    describe("verdicts", () => {
      test("a verdict is created once; who comes later changes nothing", async () => {
        const { id } = (await store.createRun(aRun())).run;
        const verdict = aVerdict(jobIdOf(id, 0));
        expect(await store.createVerdict(verdict)).toBe("created");
        await using other = await subject.openAnother();
        expect(await other.createVerdict({ ...verdict, verdict: "failed" })).toBe("exists");
        expect(await other.readVerdict(verdict.jobId)).toEqual(verdict);
      });

      test("of many who create a verdict at the same time one succeeds", async () => {
        const { id } = (await store.createRun(aRun())).run;
        await using other = await subject.openAnother();
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, (_, attempt) =>
            (attempt % 2 ? store : other).createVerdict(aVerdict(jobIdOf(id, 0), { attempt })),
          ),
        );
        const winner = outcomes.indexOf("created");
        expect(outcomes.filter((outcome) => outcome === "created").length).toBe(1);
        expect((await store.readVerdict(jobIdOf(id, 0)))?.attempt).toBe(winner);
      });

      test("verdicts are listed in the order of the jobs, over several thousand of them", async () => {
        const { id } = (await store.createRun(aRun({ jobCount: 2_500 }))).run;
        const places = Array.from({ length: 2_500 }, (_, index) => (index * 997) % 2_500);
        await Promise.all(places.map((index) => store.createVerdict(aVerdict(jobIdOf(id, index)))));
        const listed: string[] = [];
        for await (const { jobId } of store.listVerdicts(id)) listed.push(jobId);
        expect(listed).toEqual(Array.from({ length: 2_500 }, (_, index) => jobIdOf(id, index)));
        expect(await store.listFinishedJobs(id)).toEqual(new Set(listed));
        expect(await store.listUnfinishedRuns()).toEqual([]);
      });
    });

    describe("logs", () => {
      const bytes = Buffer.from([0, 255, 10, 13, 0xc3, 0x28, 27]);

      test("a log that travels in the verdict is found, and the verdict is given without it", async () => {
        const { id } = (await store.createRun(aRun())).run;
        const jobId = jobIdOf(id, 0);
        const log = { uart: "uart0", bytes: bytes.length, keptBytes: bytes.length };
        const result = aResult({ logs: [{ ...log, base64: bytes.toString("base64") }] });
        await store.createVerdict(aVerdict(jobId, { result, attempt: 2 }));
        expect((await store.readVerdict(jobId))?.result?.logs).toEqual([log]);
        for await (const verdict of store.listVerdicts(id)) expect(verdict.result?.logs).toEqual([log]);
        expect(await readLog({ jobId, attempt: 2, uart: "uart0" })).toEqual(bytes);
        expect(await readLog({ jobId, attempt: 2, uart: "uart0" }, 3)).toEqual(bytes.subarray(3));
        expect(await readLog({ jobId, attempt: 2, uart: "uart0" }, 100)).toEqual(Buffer.alloc(0));
        expect(await readLog({ jobId, attempt: 1, uart: "uart0" })).toBeUndefined();
        expect(await readLog({ jobId, attempt: 2, uart: "uart1" })).toBeUndefined();
      });

      test.each([
        ["bytes", () => Buffer.alloc(100_000, "log ")],
        ["a stream", () => Readable.from([Buffer.alloc(70_000, "log "), Buffer.alloc(30_000, "log ")])],
      ])("a log of its own is written from %s and replaces what an interrupted try left", async (_name, source) => {
        const { id } = (await store.createRun(aRun())).run;
        const log = { jobId: jobIdOf(id, 0), attempt: 1, uart: "uart0" };
        await store.writeLog(log, Buffer.from("half of it"));
        await store.writeLog(log, source());
        expect(await readLog(log)).toEqual(Buffer.alloc(100_000, "log "));
        expect(await readLog(log, 99_996)).toEqual(Buffer.from("log "));
        expect(await readLog({ ...log, attempt: 2 })).toBeUndefined();
      });

      test("a log whose stream fails is not there", async () => {
        const { id } = (await store.createRun(aRun())).run;
        const log = { jobId: jobIdOf(id, 0), attempt: 1, uart: "uart0" };
        const broken = Readable.from(
          (async function* () {
            yield Buffer.from("half");
            throw new Error("agent lost");
          })(),
        );
        await expect(store.writeLog(log, broken)).rejects.toThrow("agent lost");
        expect(await readLog(log)).toBeUndefined();
      });

      async function readLog(log: { jobId: string; attempt: number; uart: string }, offset?: number) {
        const stream = await store.openLog(log, offset);
        return stream && (await buffer(stream));
      }
    });

    describe("artifacts", () => {
      test("a file of a test is stored under its name, and goes with its run", async () => {
        const { id } = (await store.createRun(aRun())).run;
        const place = { jobId: jobIdOf(id, 0), attempt: 1, name: "screens/boot.png" };
        await store.writeArtifact(place, Readable.from([Buffer.from("half of it")]));
        await store.writeArtifact(place, Readable.from([Buffer.from("pic"), Buffer.from("ture")]));
        expect(await readArtifact(place)).toEqual(Buffer.from("picture"));
        expect(await readArtifact({ ...place, attempt: 2 })).toBeUndefined();
        expect(await readArtifact({ ...place, name: "other.png" })).toBeUndefined();
        await finish(id, 1);
        await store.applyRetention({ maxAgeMs: 0, maxBytes: Number.MAX_SAFE_INTEGER }, Date.now() + DAY_MS);
        expect(await readArtifact(place)).toBeUndefined();
      });

      async function readArtifact(place: { jobId: string; attempt: number; name: string }) {
        const stream = await store.openArtifact(place);
        return stream && (await buffer(stream));
      }
    });

    describe("firmware", () => {
      test("is stored once, under the digest of its bytes", async () => {
        const sha256 = digestOf("image");
        expect(await put("image", sha256)).toEqual({ sha256, sizeBytes: 5, isNew: true });
        expect(await put("image")).toEqual({ sha256, sizeBytes: 5, isNew: false });
        const opened = await store.openFirmware(sha256);
        expect(opened?.sizeBytes).toBe(5);
        expect(opened && (await buffer(opened.bytes)).toString()).toBe("image");
        expect([await store.hasFirmware(sha256), await store.hasFirmware(digestOf("other"))]).toEqual([true, false]);
        expect(await store.openFirmware(digestOf("other"))).toBeUndefined();
      });

      test("bytes of another digest than was said are refused, and nothing is stored", async () => {
        await expect(put("image", digestOf("other"))).rejects.toMatchObject({
          code: "DigestMismatch",
          message: expect.stringContaining(digestOf("image")),
        });
        expect([await store.hasFirmware(digestOf("image")), await store.hasFirmware(digestOf("other"))]).toEqual([
          false,
          false,
        ]);
      });
    });

    test("epochs only grow, whoever takes them, and pools do not share them", async () => {
      await using other = await subject.openAnother();
      const taken = await Promise.all(
        Array.from({ length: 10 }, (_, index) => (index % 2 ? store : other).nextEpoch("default")),
      );
      expect(new Set(taken).size).toBe(10);
      expect(await other.nextEpoch("default")).toBeGreaterThan(Math.max(...taken));
      expect(await store.nextEpoch("default-2")).toBe(1);
    });

    describe("retention", () => {
      const nowMs = Date.parse("2026-02-01T00:00:00.000Z");

      test("deletes finished runs of an age with all they had, never an unfinished one", async () => {
        const [old, young, unfinished] = [
          aRun({ key: "old" }),
          aRun({ createdAt: "2026-01-31T00:00:00.000Z" }),
          aRun({ jobCount: 2 }),
        ];
        for (const run of [old, young, unfinished]) await store.createRun(run);
        for (const run of [old, young, unfinished]) await finish(run.id, 1);
        const freed = await store.applyRetention({ ...NEVER, maxAgeMs: 7 * DAY_MS }, nowMs);
        expect(freed.deletedRuns).toBe(1);
        expect(freed.freedBytes).toBeGreaterThan(0);
        expect((await store.listRuns({ limit: 10 })).map(({ id }) => id)).toEqual([unfinished.id, young.id]);
        expect(await store.readVerdict(jobIdOf(old.id, 0))).toBeUndefined();
        expect((await store.createRun(aRun({ key: "old" }))).isNew).toBe(true);
      });

      test("deletes the oldest finished runs until the size is kept", async () => {
        const runs = [aRun(), aRun(), aRun()];
        for (const run of runs) {
          await store.createRun(run);
          const log = { jobId: jobIdOf(run.id, 0), attempt: 1, uart: "uart0" };
          await store.writeLog(log, Buffer.alloc(100_000));
          await finish(run.id, 1);
        }
        await store.applyRetention({ ...NEVER, maxBytes: 150_000 }, nowMs);
        expect((await store.listRuns({ limit: 10 })).map(({ id }) => id)).toEqual([runs[2]?.id]);
      });

      test("deletes firmware that no run refers to, and keeps what was used lately", async () => {
        const digest = (await put("used")).sha256;
        const unused = (await put("unused")).sha256;
        await store.createRun(aRun({ digest }));
        await store.applyRetention({ ...NEVER, maxAgeMs: 0 }, Date.now());
        expect(await store.hasFirmware(unused)).toBe(true);
        await store.applyRetention({ ...NEVER, maxAgeMs: 0 }, Date.now() + DAY_MS);
        expect([await store.hasFirmware(digest), await store.hasFirmware(unused)]).toEqual([true, false]);
      });
    });
  });
}
