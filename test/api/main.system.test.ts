import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { startRedis } from "./queue/redis-fixture.ts";
import { createTemporaryFolder } from "./store/temporary-folder.ts";

interface Started extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Settles with the process's exit code. */
  readonly exited: Promise<number | null>;
  readonly stderr: Promise<string>;
  readonly redis: { kill(): Promise<void> };
}

async function start(role: "api" | "dispatcher", port = 0): Promise<Started> {
  await using starting = new AsyncDisposableStack();
  const folder = starting.use(await createTemporaryFolder());
  const redis = starting.use(await startRedis());
  await writeFile(join(folder.path, "token"), "secret");
  const child = spawn(process.execPath, ["src/api/main.ts"], {
    env: {
      PATH: process.env.PATH,
      EMUFARM_ROLE: role,
      EMUFARM_LISTEN: role === "api" ? `tcp:127.0.0.1:${port}` : `unix:${folder.path}/d.sock`,
      EMUFARM_TOKEN_FILE: join(folder.path, "token"),
      EMUFARM_DATA: folder.path,
      EMUFARM_REDIS: redis.address,
      EMUFARM_PUBLIC_URL: "http://127.0.0.1:7380",
      EMUFARM_BOARDS: join(process.cwd(), "manifests/boards"),
    },
    stdio: ["pipe", "ignore", "pipe"],
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  starting.defer(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  const resources = starting.move();
  return { child, exited, redis, stderr: text(child.stderr), [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function untilUp({ child, exited }: Started): Promise<void> {
  const lines = createInterface({ input: child.stderr ?? process.stdin });
  const up = (async () => {
    for await (const line of lines) if (/listens|is up/.test(line)) return;
  })();
  await Promise.race([up, exited]);
}

test.each(["api", "dispatcher"] as const)("the %s ends in order when its standard input closes", async (role) => {
  await using started = await start(role);
  await untilUp(started);
  started.child.stdin?.end();
  expect(await started.exited).toBe(0);
});

test("the api ends in order at SIGTERM", async () => {
  await using started = await start("api");
  await untilUp(started);
  started.child.kill("SIGTERM");
  expect(await started.exited).toBe(0);
});

test("the api ends in order although Redis has gone", async () => {
  await using started = await start("api");
  await untilUp(started);
  await started.redis.kill();
  started.child.kill("SIGTERM");
  expect(await started.exited).toBe(0);
});

test("a port in use is told with the way out", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as { port: number };
  await using started = await start("api", port);
  expect(await started.exited).toBe(1);
  expect(await started.stderr).toContain(`Port ${port} of 127.0.0.1 is taken by another program`);
  other.close();
});

test("settings that are not valid end the process with all problems, before anything is started", async () => {
  const child = spawn(process.execPath, ["src/api/main.ts"], { env: {}, stdio: ["pipe", "ignore", "pipe"] });
  const words = text(child.stderr);
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(2);
  expect(await words).toContain("EMUFARM_ROLE");
});
