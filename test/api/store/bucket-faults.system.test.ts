import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { FolderStore } from "../../../src/api/store/folder-store.ts";
import type { S3Settings } from "../../../src/api/store/s3-bucket.ts";
import { jobIdOf } from "../../../src/core/policy/attempt-id.ts";
import { aRun, aVerdict } from "../../gen/run.ts";
import {
  firstLog,
  listeningLog,
  objectsIn,
  openBucketStore,
  putText,
  readFirmware,
  untilMoved,
} from "./bucket-farm.ts";
import { startCuttingProxy } from "./cutting-proxy.ts";
import { longLog } from "./long-log.ts";
import { noS3Server, type S3Server, startS3Server } from "./s3-server.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";

const reason = noS3Server();

describe.skipIf(reason)(`a bucket in trouble${reason === undefined ? "" : ` (${reason})`}`, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3Server();
  });
  afterAll(async () => await server[Symbol.asyncDispose]());

  describe("is refused at the start, with what to do", () => {
    const refused: [what: string, wrong: Partial<S3Settings>, words: string][] = [
      ["one that is missing", { bucket: "nobody-made-it" }, "there is no such bucket. Make it, or correct its name"],
      ["a key that the server does not know", { accessKeyId: "nobody" }, "the server does not know the access key"],
      ["a secret that is wrong", { secretAccessKey: "guessed" }, "the secret key is not the access key's"],
      ["a region that is another's", { region: "mars-north-1" }, "the bucket is in another region"],
    ];
    test.each(refused)("%s", async (_what, wrong, words) => {
      await using folder = await createTemporaryFolder();
      const settings = { ...server.settingsOfOne(), ...wrong };
      await expect(openBucketStore(folder.path, settings)).rejects.toMatchObject({
        code: "BucketRefused",
        message: expect.stringMatching(new RegExp(`s3://${settings.bucket}/${settings.prefix} at http.*${words}`)),
      });
    });

    test("and the API's process ends with that sentence", async () => {
      await using folder = await createTemporaryFolder();
      const file = (name: string) => join(folder.path, name);
      const { endpoint, accessKeyId } = server.settings;
      const files = { token: "token", id: accessKeyId, secret: "guessed" };
      for (const [name, words] of Object.entries(files)) await writeFile(file(name), words);
      const child = spawn(process.execPath, ["src/api/main.ts"], {
        env: {
          PATH: process.env.PATH,
          EMUFARM_ROLE: "api",
          EMUFARM_LISTEN: "tcp:127.0.0.1:0",
          EMUFARM_TOKEN_FILE: file("token"),
          EMUFARM_DATA: folder.path,
          EMUFARM_REDIS: `unix:${file("no-redis")}`,
          EMUFARM_PUBLIC_URL: "http://127.0.0.1:7380",
          EMUFARM_STORE_S3_BUCKET: "farm",
          EMUFARM_STORE_S3_ENDPOINT: endpoint,
          EMUFARM_STORE_S3_ACCESS_KEY_FILE: file("id"),
          EMUFARM_STORE_S3_SECRET_KEY_FILE: file("secret"),
        },
        stdio: ["pipe", "ignore", "pipe"],
      });
      const [said, [code]] = await Promise.all([text(child.stderr), once(child, "exit")]);
      expect(code).toBe(1);
      expect(said).toContain(
        `The bucket s3://farm/ at ${endpoint} cannot be used: the secret key is not the access key's`,
      );
      expect(said).not.toContain("guessed");
    });

    test("one that belongs to another farm", async () => {
      await using ours = await createTemporaryFolder();
      await using theirs = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using _other = await openBucketStore(theirs.path, settings);
      await expect(openBucketStore(ours.path, settings)).rejects.toMatchObject({
        code: "BucketRefused",
        message: expect.stringContaining("it belongs to another farm"),
      });
    });

    test("another one than that which has the farm's blobs, until these were copied", async () => {
      await using folder = await createTemporaryFolder();
      const [first, second] = [server.settingsOfOne(), server.settingsOfOne()];
      let sha256 = "";
      {
        await using store = await openBucketStore(folder.path, first);
        ({ sha256 } = await putText(store, "moved along"));
        await untilMoved(folder.path);
      }
      await expect(openBucketStore(folder.path, second)).rejects.toMatchObject({
        code: "BucketRefused",
        message: expect.stringContaining(`its blobs are in s3://farm/${first.prefix}`),
      });
      await rename(join(server.folder, first.prefix), join(server.folder, second.prefix));
      await using store = await openBucketStore(folder.path, second);
      expect(await readFirmware(store, sha256)).toBe("moved along");
    });

    test("none at all, where there has been one", async () => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await (await openBucketStore(folder.path, settings))[Symbol.asyncDispose]();
      await expect(FolderStore.open({ folder: folder.path, onFault: () => {} })).rejects.toMatchObject({
        code: "BucketRefused",
        message: expect.stringContaining("the settings name no bucket (EMUFARM_STORE_S3_BUCKET)"),
      });
    });

    test("one whose server has a certificate that nobody vouches for; with its authority it is fine", async () => {
      await using folder = await createTemporaryFolder();
      await using secure = await startS3Server({ isTls: true });
      await expect(openBucketStore(folder.path, { ...secure.settings, ca: undefined })).rejects.toMatchObject({
        code: "BucketRefused",
        message: expect.stringContaining("certificate is not trusted"),
      });
      await using store = await openBucketStore(folder.path, secure.settings);
      const { sha256 } = await putText(store, "over TLS");
      await untilMoved(folder.path);
      expect(await readFirmware(store, sha256)).toBe("over TLS");
    });
  });

  test("a clock that is twenty minutes off is told by the server, and made up for", async () => {
    await using folder = await createTemporaryFolder();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20 * 60_000 });
    try {
      await using store = await openBucketStore(folder.path, server.settingsOfOne());
      const { sha256 } = await putText(store, "from the future");
      await untilMoved(folder.path);
      expect(await readFirmware(store, sha256)).toBe("from the future");
    } finally {
      vi.useRealTimers();
    }
  });

  describe("that is away", () => {
    test("keeps no verdict, log or firmware from being stored and read; they go there when it is back", async () => {
      await using folder = await createTemporaryFolder();
      await using own = await startS3Server();
      const { log, said } = listeningLog();
      await own.stop();
      await using store = await openBucketStore(folder.path, own.settings, log);
      const run = aRun();
      await store.createRun(run);
      const { sha256 } = await putText(store, "stored meanwhile");
      await store.writeLog(firstLog(run.id), Readable.from([longLog(run.id)]));
      expect(await store.createVerdict(aVerdict(jobIdOf(run.id, 0)))).toBe("created");
      expect(await readFirmware(store, sha256)).toBe("stored meanwhile");
      await expect.poll(() => said.join("")).toContain("waits in the farm's folder. Trying until it does");
      expect(await readdir(join(folder.path, "outbox"))).toHaveLength(2);

      await own.start();
      await untilMoved(folder.path);
      expect(await objectsIn(own.folder, "")).toHaveLength(2);
      expect(await readFirmware(store, sha256)).toBe("stored meanwhile");
      expect(said.join("")).toContain("the bucket takes what waited for it");
      expect(await store.applyRetention({ maxAgeMs: 1e12, maxBytes: 1e12 }, Date.now())).toMatchObject({
        deletedRuns: 0,
      });
      expect(await objectsIn(own.folder, "farm.json")).toHaveLength(1);
    });

    test("is named to whoever wants what is there already", async () => {
      await using folder = await createTemporaryFolder();
      await using own = await startS3Server();
      await using store = await openBucketStore(folder.path, own.settings);
      const { sha256 } = await putText(store, "far away");
      await untilMoved(folder.path);
      await own.stop();
      expect(await store.hasFirmware(sha256)).toBe(true);
      await expect(readFirmware(store, sha256)).rejects.toMatchObject({
        code: "BucketUnavailable",
        message: expect.stringContaining(`s3://farm/ at ${own.settings.endpoint} does not answer`),
      });
      await own.start();
      expect(await readFirmware(store, sha256)).toBe("far away");
    });

    test("and answers nothing is given up, and asked again", async () => {
      await using folder = await createTemporaryFolder();
      await using own = await startS3Server();
      const { log, said } = listeningLog();
      await using store = await openBucketStore(folder.path, { ...own.settings, idleTimeoutMs: 500 }, log);
      own.freeze();
      const { sha256 } = await putText(store, "patience");
      await expect.poll(() => said.join("")).toContain("does not answer");
      own.thaw();
      await untilMoved(folder.path);
      expect(await readFirmware(store, sha256)).toBe("patience");
    });
  });

  describe("to which the way is cut", () => {
    test("in the midst of an upload shows no object, and gets it whole afterwards", async () => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using proxy = await startCuttingProxy(Number(new URL(settings.endpoint).port));
      const endpoint = `http://127.0.0.1:${proxy.port}`;
      await using store = await openBucketStore(folder.path, { ...settings, endpoint });
      proxy.cutAfter(100_000);
      const content = "0123456789".repeat(300_000);
      const { sha256 } = await putText(store, content);
      await expect.poll(() => proxy.cuts).toBeGreaterThan(1);
      expect(await objectsIn(server.folder, `${settings.prefix}firmware/`)).toEqual([]);
      expect(await readFirmware(store, sha256)).toBe(content);
      proxy.heal();
      await untilMoved(folder.path);
      const [object = "", ...more] = await objectsIn(server.folder, `${settings.prefix}firmware/`);
      expect(more).toEqual([]);
      expect((await stat(join(server.folder, object))).size).toBe(content.length);
      expect(await readFirmware(store, sha256)).toBe(content);
    });

    test("in the midst of a download: the reader is told, and has not got it whole", async () => {
      await using folder = await createTemporaryFolder();
      const settings = server.settingsOfOne();
      await using proxy = await startCuttingProxy(Number(new URL(settings.endpoint).port));
      const endpoint = `http://127.0.0.1:${proxy.port}`;
      await using store = await openBucketStore(folder.path, { ...settings, endpoint });
      const { sha256 } = await putText(store, "0123456789".repeat(300_000));
      await untilMoved(folder.path);
      proxy.cutAnswersAfter(1_000_000);
      await expect(readFirmware(store, sha256)).rejects.toMatchObject({
        code: "BucketUnavailable",
        message: expect.stringMatching(/ended at byte \d+ of 3000000/),
      });
      proxy.heal();
      expect((await readFirmware(store, sha256))?.length).toBe(3_000_000);
      expect(await store.hasFirmware(sha256)).toBe(true);
    });
  });

  test("processes that are killed lose nothing that they told, and leave no object that is half", {
    timeout: 300_000,
  }, async () => {
    await using folder = await createTemporaryFolder();
    const settings = server.settingsOfOne();
    const run = aRun({ jobCount: 100_000 });
    const told: string[] = [];
    {
      await using store = await openBucketStore(folder.path, settings);
      await store.createRun(run);
    }
    for (let kill = 0; kill < 2; kill += 1) {
      const child = startWriter(folder.path, run.id, told.length, settings);
      let count = 0;
      for await (const jobId of createInterface({ input: child.stdout as Readable })) {
        told.push(jobId);
        count += 1;
        if (count === 5 + kill * 4) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await using store = await openBucketStore(folder.path, settings);
    await untilMoved(folder.path);
    for (const jobId of told) {
      expect(await store.readVerdict(jobId)).toBeDefined();
      const stream = await store.openLog({ jobId, attempt: 1, uart: "uart0" });
      expect(stream && (await buffer(stream)).equals(longLog(jobId))).toBe(true);
    }
    for (const key of await objectsIn(server.folder, `${settings.prefix}results/`)) {
      const index = Number(/\/(\d{6})\.1\.uart0\//.exec(key)?.[1]);
      expect((await readFile(join(server.folder, key))).equals(longLog(jobIdOf(run.id, index)))).toBe(true);
    }
    expect(await readdir(join(folder.path, "tmp"))).toEqual([]);
  });
});

function startWriter(folder: string, runId: string, first: number, settings: S3Settings): ChildProcess {
  const writer = fileURLToPath(new URL("./bucket-writer.ts", import.meta.url));
  return spawn(process.execPath, [writer, folder, runId, String(first), JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}
