import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { InstanceBoard, type InstanceBoardOptions } from "../../../src/agent/instance/instance-board.ts";
import { desiredState } from "../../../src/core/wire/desired-state.ts";
import { boardSpecOf } from "../attempt/agent-lab.ts";

const NO_PORT = 70_000;

test("a board whose second port cannot be listened on keeps no other port", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const desired = desiredState.parse({
    uid: "one",
    tenant: "test",
    generation: 1,
    epoch: 1,
    boardName: "mps2-an385",
    board: await boardSpecOf("mps2-an385"),
    power: "Off",
    channels: [
      { name: "uart0", tcp: true },
      { name: "uart1", tcp: true },
    ],
  });
  const drives = { files: [] };
  const options = { desired, drives, logFolder: "/none", host: "127.0.0.1", ports: { uart0: port, uart1: NO_PORT } };
  await expect(InstanceBoard.build(options as unknown as InstanceBoardOptions)).rejects.toThrow(String(NO_PORT));
  await using again = createServer().listen(port, "127.0.0.1");
  await once(again, "listening");
});
