import { once } from "node:events";
import { connect } from "node:net";
import { FarmError } from "../../core/error/farm-error.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";
import { unknownTarget } from "./unknown-target.ts";

/** An instance of a farm on one machine. @throws {FarmError} UnknownTarget with the nearest one */
export async function openInstanceTarget(
  surroundings: Surroundings,
  name: string,
  options: FarmOptions,
): Promise<Target> {
  await using opening = new AsyncDisposableStack();
  const farm = opening.use(await connectFarm(surroundings, options));
  const all = await farm.instances.list();
  const instance = all.find(({ metadata }) => metadata.name === name);
  if (!instance) {
    throw unknownTarget(
      name,
      all.map(({ metadata }) => metadata.name),
    );
  }
  const { request, bytes, openWebSocket } = farm.instances.channels(name);
  const open = opening.move();
  return {
    name,
    hasAgent: true,
    request,
    bytes,
    openWebSocket,
    async board() {
      const { name: board, spec } = await farm.board(instance.spec.board);
      return { name: board, spec };
    },
    readLog: (uart, { isFollowed = false, signal } = {}) =>
      bytes({
        method: "GET",
        path: `uarts/${encodeURIComponent(uart)}/log?follow=${isFollowed}`,
        // A guest may be silent as long as it likes.
        silenceMs: 0,
        ...(signal && { signal }),
      }),
    async openRaw(channel) {
      const { status } = await farm.instances.get(name);
      const port = status?.endpoints?.find((endpoint) => endpoint.name === channel)?.port;
      if (port === undefined) {
        const problem = "the instance lists no raw port for it (spec.channels)";
        throw new FarmError("ChannelUnreachable", { channel, instance: name, problem });
      }
      const socket = connect({ host: status?.address ?? "127.0.0.1", port });
      try {
        await once(socket, "connect");
      } catch (cause) {
        const problem = `its port ${port} does not answer`;
        throw new FarmError("ChannelUnreachable", { channel, instance: name, problem }, { cause });
      }
      return socket;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
