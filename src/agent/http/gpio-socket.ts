import type { WebSocket } from "ws";
import { FarmError } from "../../core/error/farm-error.ts";
import { durationMs } from "../../core/schema/duration.ts";
import { type GpioMessage, type GpioRequest, gpioRequest } from "../../core/wire/gpio.ts";
import type { GpioBank } from "../gpio/gpio-bank.ts";
import { edgesMessage, gpioStateOf, mergedMessage } from "../gpio/gpio-messages.ts";

/** WebSocket status "normal closure" (RFC 6455, 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** A viewer of a board's pins over a WebSocket, who may drive them; messages are JSON both ways. */
export function serveGpioSocket(socket: WebSocket, bank: GpioBank, coalesceMs: number | undefined): void {
  const send = (message: GpioMessage, onSent?: () => void) => socket.send(JSON.stringify(message), onSent);
  const sendError = (thrown: unknown) => {
    const { code, message } = FarmError.from(thrown);
    send({ type: "error", code, message });
  };
  let work: Promise<void> = bank.connect().catch(sendError).then(watch);
  socket.on("message", (data) => {
    socket.pause();
    work = work
      .then(() => driveByRequest(bank, requestOf(String(data))))
      .catch(sendError)
      .then(() => socket.resume());
  });

  function watch(): void {
    if (socket.readyState !== socket.OPEN) return;
    send({ type: "state", ...gpioStateOf(bank) });
    const viewer = bank.addViewer(
      {
        get backlogBytes() {
          return socket.bufferedAmount;
        },
        edges: (batch) => send(edgesMessage(bank, batch), () => viewer.drained()),
        merged: (merged) => send(mergedMessage(bank, merged), () => viewer.drained()),
        end: (reason) => socket.close(NORMAL_CLOSURE, reason),
      },
      coalesceMs === undefined ? {} : { coalesceMs },
    );
    socket.once("close", () => viewer[Symbol.dispose]());
  }
}

/** @throws {FarmError} UnknownPin, PinNotDrivable, PinsFailed */
export async function driveByRequest(bank: GpioBank, request: GpioRequest): Promise<void> {
  if (request.type === "set") await bank.drive(request.line, request.level);
  else await bank.pulse(request.line, request.level, durationMs(request.duration));
}

function requestOf(text: string): GpioRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FarmError("InvalidRequest", { problems: "the message is not JSON" }, { cause });
  }
  const result = gpioRequest.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".") || "the message"}: ${message}`);
  throw new FarmError("InvalidRequest", { problems: problems.join("; ") });
}
