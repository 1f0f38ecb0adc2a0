import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { readyAtUrlIn } from "../../../src/cli/up/readiness.ts";

// What the system answers where other programs have all its watches; real ones cannot be taken away from a test alone.
vi.mock("node:fs", async (original) => ({
  ...(await original<typeof import("node:fs")>()),
  watch: () => {
    throw Object.assign(new Error("EMFILE: too many open files, watch"), { code: "EMFILE" });
  },
}));

it("a process is found to be ready where the system has no more watches on files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ready-"));
  const server = createServer((_request, answer) => answer.end()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const file = join(folder, "url");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const told = vi.fn<(url: URL) => void>();
    const ready = readyAtUrlIn(file, told)({ onLine: () => () => {} }, AbortSignal.timeout(20_000));
    await writeFile(file, url);
    await ready;
    expect(told.mock.calls.map(([given]) => given.href)).toEqual([url]);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});
