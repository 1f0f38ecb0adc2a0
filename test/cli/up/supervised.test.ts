import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readyByLine } from "../../../src/cli/up/readiness.ts";
import { Supervised } from "../../../src/cli/up/supervised.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sup-"));
});

afterEach(() => rm(folder, { recursive: true }));

function shell(script: string, events: Partial<ConstructorParameters<typeof Supervised>[1]> = {}): Supervised {
  const spec = {
    name: "one",
    command: "/bin/sh",
    args: ["-c", script],
    env: () => ({ PATH: process.env.PATH }),
    readiness: readyByLine(/^ready/),
    logFile: join(folder, "one.log"),
  };
  return new Supervised(spec, { onStarted() {}, onLost() {}, ...events });
}

describe("a supervised process", () => {
  it("is ready with its line, and writes a log", async () => {
    const process = shell("echo ready; echo more >&2; exec sleep 60");
    process.start();
    await process.ready;
    await process.stop(5_000);
    expect(await readFile(join(folder, "one.log"), "utf8")).toContain("ready\n");
  });

  it("is started again when it ends", async () => {
    const lost: string[] = [];
    const again = Promise.withResolvers<void>();
    let starts = 0;
    const onStarted = () => {
      if (++starts === 3) again.resolve();
    };
    const process = shell("echo ready; exit 3", {
      onStarted,
      onLost: (name, how) => void lost.push(`${name}: ${how}`),
    });
    process.start();
    await again.promise;
    await process.stop(5_000);
    expect(lost[0]).toBe("one: exit code 3");
  });

  it("is given up where it never gets ready, with its last words", async () => {
    const process = shell("echo the disk is on fire >&2; exit 1");
    process.start();
    await expect(process.ready).rejects.toMatchObject({
      code: "ProcessStartFailed",
      // Said at each start, told once.
      message: expect.stringContaining("exit code 1; the disk is on fire. Its log: "),
    });
    await process.stop(5_000);
  });

  it("is given up where the program is not there", async () => {
    const spec = {
      name: "none",
      command: join(folder, "none"),
      args: [],
      env: () => ({}),
      readiness: readyByLine(/./),
      logFile: join(folder, "none.log"),
    };
    const process = new Supervised(spec, { onStarted() {}, onLost() {} });
    process.start();
    await expect(process.ready).rejects.toMatchObject({ code: "ProcessStartFailed" });
    await process.stop(5_000);
  });

  it("is ended by force where it does not end when asked", async () => {
    let pid = 0;
    const onStarted = (_name: string, started: number) => {
      pid = started;
    };
    const process = shell("trap '' TERM; echo ready; while :; do sleep 0.1; done", { onStarted });
    process.start();
    await process.ready;
    await process.stop(50);
    expect(() => globalThis.process.kill(pid, 0)).toThrow();
  });

  it("has a standard input that closes with its supervisor", async () => {
    const process = shell("echo ready; cat; echo over");
    process.start();
    await process.ready;
    await process.stop(5_000);
  });
});
