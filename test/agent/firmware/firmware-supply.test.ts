import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FirmwareCache } from "../../../src/agent/firmware/firmware-cache.ts";
import { createFirmwareDownload } from "../../../src/agent/firmware/firmware-download.ts";
import { createFirmwareSupply, type FirmwareSupply } from "../../../src/agent/firmware/firmware-supply.ts";
import { Progress } from "../../../src/agent/progress.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { createLog } from "../../../src/log/log.ts";
import { aBoard } from "../../gen/board.ts";
import { exampleImage } from "../attempt/agent-lab.ts";

const ELF = await exampleImage("mps2-an385", "hello");
const sha256 = createHash("sha256").update(ELF).digest("hex");
const board = aBoard({ firmware: { formats: ["elf", "bin"], load: "kernel" } });

let folder: string;
let supply: FirmwareSupply;
let server: Server | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "fw-"));
  const cache = await FirmwareCache.open({ folder, limitBytes: 1_000_000 });
  supply = createFirmwareSupply(cache, createFirmwareDownload(cache, createLog({ name: "test", level: "silent" })));
});

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener, port = 0): Promise<number> {
  const created = createServer(listener);
  server = created;
  await new Promise<void>((resolve) => created.listen(port, "127.0.0.1", resolve));
  return (created.address() as AddressInfo).port;
}

const wanted = (port: number) => ({
  reference: { sha256 },
  urls: { [sha256]: `http://127.0.0.1:${port}/blob` },
  boardName: "a-board",
  board,
});

test("a file is fetched once for many, and its format is told from its bytes", async () => {
  let requests = 0;
  const port = await serve((_request, response) => {
    requests += 1;
    response.end(ELF);
  });
  using progress = new Progress();
  const held = await Promise.all(Array.from({ length: 5 }, () => supply(wanted(port), progress)));
  expect(requests).toBe(1);
  expect(held[0]?.files).toEqual({
    image: join(folder, sha256),
    format: "elf",
    identity: `${sha256} none none`,
  });
});

test("a server that restarts, breaks off or is busy is asked until it answers", async () => {
  const answers: RequestListener[] = [
    (_request, response) => response.writeHead(503).end(),
    (_request, response) => {
      response.writeHead(200, { "content-length": String(ELF.length + 1) });
      response.write(ELF, () => response.destroy());
    },
    (_request, response) => response.end(ELF),
  ];
  const port = await serve((request, response) => answers.shift()?.(request, response));
  await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  using progress = new Progress();
  const held = supply(wanted(port), progress);
  await serve((request, response) => answers.shift()?.(request, response), port);
  expect((await held).files.format).toBe("elf");
  expect(answers).toEqual([]);
});

test.each([
  ["refuses", (_request, response) => response.writeHead(403).end("signature expired"), "403: signature expired"],
  ["sends other bytes", (_request, response) => response.end("other"), "not"],
] as [string, RequestListener, string][])("a server that %s fails it", async (_name, listener, detail) => {
  const port = await serve(listener);
  using progress = new Progress();
  await expect(supply(wanted(port), progress)).rejects.toMatchObject({
    code: "FirmwareFetchFailed",
    message: expect.stringContaining(detail),
  });
});

test("a server that never answers is the farm's failure at the deadline, not a test's time-out", async () => {
  const port = await serve(() => {});
  using progress = new Progress();
  progress.setDeadline(50, () => new FarmError("JobTimeout", { timeout: "1s", clock: "wall", waitingFor: "firmware" }));
  await expect(supply(wanted(port), progress)).rejects.toMatchObject({ code: "FirmwareFetchFailed" });
});

test("a cancelled attempt stops waiting with its reason", async () => {
  const port = await serve(() => {});
  using progress = new Progress();
  const held = supply(wanted(port), progress);
  progress.abort(new FarmError("Cancelled", { reason: "enough" }));
  await expect(held).rejects.toMatchObject({ code: "Cancelled" });
});
