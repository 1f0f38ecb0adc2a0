import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import { type FrontEndEvent, readFrontEndCommand } from "../../core/wire/front-end.ts";
import type { ChannelOwner } from "../channel/channel-owner.ts";
import { type LoadFirmware, performForFrontEnd } from "./front-end-commands.ts";
import { watchConsole } from "./front-end-console.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** A front end of a board simulator: what a board does as events, and what somebody does with it as commands. */
export function serveFrontEnd(socket: WebSocket, owner: ChannelOwner, load: LoadFirmware): void {
  const { guest, hubs, gpio } = owner;
  const send = (event: FrontEndEvent, onSent?: () => void) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(event), onSent);
  };
  const sendError = (thrown: unknown) => send({ type: "error", data: { message: FarmError.from(thrown).message } });
  if (guest.boot) send({ type: "system", data: { event: "booted" } });
  const stopWatching = guest.watch({
    onStarting: () => send({ type: "system", data: { event: "booting" } }),
    onRunning: () => send({ type: "system", data: { event: "booted" } }),
    onStartFailed: sendError,
    onExited: (exit) => send({ type: "system", data: { event: "exited", exit } }),
  });
  const consoles = hubs.map((hub, uart) => watchConsole({ socket, hub, uart, send }));
  const pins = gpio.addViewer({
    get backlogBytes() {
      return socket.bufferedAmount;
    },
    edges: ({ edges }) => {
      for (const { line: pin, level, by } of edges) {
        if (by === "guest") send({ type: "gpio_change", data: { pin, state: level } }, () => pins.drained());
      }
    },
    // These front ends know levels, not edges: what a slow one missed is made good by where each line stands.
    merged: ({ lines }) => {
      for (const { line: pin, level } of lines) send({ type: "gpio_change", data: { pin, state: level } });
    },
    end: (reason) => socket.close(NORMAL_CLOSURE, reason),
  });
  gpio.connect().catch(sendError);
  let work: Promise<void> = Promise.resolve();
  socket.on("message", (data) => {
    const command = readFrontEndCommand(String(data));
    if (command.type === "bad") {
      send({ type: "error", data: { message: command.problem } });
      return;
    }
    // One after the other, as they came; the network waits for the emulator.
    socket.pause();
    work = work
      .then(() => performForFrontEnd(command, owner, consoles, load))
      .catch(sendError)
      .then(() => socket.resume());
  });
  socket.once("close", () => {
    stopWatching();
    pins[Symbol.dispose]();
    for (const console of consoles) console[Symbol.dispose]();
  });
}
