/** What a guest reaches by its network, at the worst place for it to reach: the farm's own HTTP server. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import type { JobSpecInput } from "../../src/core/schema/job.ts";
import { createMetrics } from "../../src/http/process-metrics.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log/log.ts";
import { buildFirmware } from "../firmware/build.ts";
import { BoardLab, saidOn } from "./board-lab.ts";
import { newestFirst } from "./emulator-sets.ts";
import { readBoards } from "./manifests.ts";

const BOARD = "arm-virt";
const board = readBoards().find((one) => one.metadata.name === BOARD) as Board;
let lab: BoardLab;
let server: HttpServer;
let port: number;
let image: Buffer;
const reached: string[] = [];

beforeAll(async () => {
  server = await createHttpServer({
    log: createLog({ name: "test", level: "silent" }),
    trust: { token: "a-token-of-the-test", tokenFile: "/data/token" },
    metrics: createMetrics(),
  });
  server.app.get("/v1/secret", async () => {
    reached.push("secret");
    return { secret: true };
  });
  const address = await server.listen({ kind: "tcp", host: "127.0.0.1", port: 0 });
  if (address.kind !== "tcp") throw new Error("not listening on TCP");
  port = address.port;
  image = readFileSync(join(await buildFirmware(), BOARD, "call-host.elf"));
  lab = await BoardLab.start(newestFirst());
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await server.close();
});

/** What a guest with this network says that it got from the farm's server. */
async function callFrom(network: NonNullable<JobSpecInput["network"]>): Promise<string> {
  const result = await lab.run(
    board,
    { bytes: image },
    {
      network,
      timeout: "60s",
      scenario: {
        version: 1,
        steps: [
          { "wait-serial": "> " },
          { "write-serial": `${port} /v1/secret\n` },
          { "wait-serial": { regex: "end: .*\n|no network\n> |no host\n" } },
        ],
      },
    },
  );
  expect(result.error?.message).toBeUndefined();
  return saidOn(result).toString();
}

it("a guest without a network has no device at all", async () => {
  expect(await callFrom("none")).toContain("no network");
});

it("a guest in an isolated network finds no way to the host", async () => {
  expect(await callFrom("isolated")).toContain("end: refused");
});

it("a guest with egress reaches the host's loopback, where the farm refuses it", async () => {
  const said = await callFrom("egress");
  expect(said).toMatch(/HTTP\/1\.1 40[13]/);
  expect(said).toContain("end: closed");
  expect(said).not.toContain('"secret":true');
  expect(reached).toEqual([]);
});
