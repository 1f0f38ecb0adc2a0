import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { AgentClient } from "../../src/client/agent-client.ts";
import type { BoardSpec } from "../../src/core/schema/board.ts";
import { readBoards } from "../../test/boards/manifests.ts";

/** A board of the repository. */
export function boardOf(name: string): BoardSpec {
  return readBoards().find((one) => one.metadata.name === name)?.spec as BoardSpec;
}

/** Starts an instance of a board with a raw TCP port for each of these channels, and connects to them. */
export async function openChannels(
  client: AgentClient,
  boardName: string,
  image: string,
  names: readonly string[],
): Promise<Socket[]> {
  const uid = randomUUID();
  const bytes = await readFile(image);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await client.putFirmware(sha256, bytes);
  await client.putDesired({
    ...{ uid, tenant: "bench", generation: 1, epoch: 1, boardName, board: boardOf(boardName), power: "On" },
    firmware: { sha256 },
    channels: names.map((name) => ({ name, tcp: true })),
  });
  const ports = await portsOf(client, uid, names);
  return await Promise.all(
    ports.map(async (port) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      await once(socket, "connect");
      return socket;
    }),
  );
}

/** An instance opens its ports once it is started. */
async function portsOf(client: AgentClient, uid: string, names: readonly string[]): Promise<number[]> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline) {
    const instance = (await client.instances()).find((one) => one.uid === uid);
    const ports = names.map((name) => instance?.endpoints.find((one) => one.name === name)?.port);
    if (ports.every((port) => port !== undefined)) return ports;
    await wait(5);
  }
  throw new Error(`the instance opened no ports for ${names.join(", ")}`);
}
