import type { WebSocket } from "ws";
import type { MessageListener } from "../../client/connection.ts";
import { EXIT } from "../exit-code.ts";
import { joinInput } from "../screen/keyboard.ts";
import type { Surroundings } from "../surroundings.ts";

/** A console that somebody wants to sit at. */
export interface AttachedConsole {
  /** What it is, such as `uart0 of r1-000001`. */
  readonly title: string;
  /** True passes every byte through: no escape key, no words. */
  readonly isRaw: boolean;
  open(onMessage: MessageListener): Promise<WebSocket>;
}

/** Joins the terminal to a console until either side has enough. */
export async function attachConsole(
  { stdin, stdout, stderr, interrupted }: Surroundings,
  { title, isRaw, open }: AttachedConsole,
): Promise<number> {
  const say = (text: string) => {
    if (!isRaw) stderr.write(`\r\nemufarm: ${text}\r\n`);
  };
  const socket = await open((data, isText) => {
    if (!isText) stdout.write(data);
    else tellNotice(data, say);
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    interrupted.addEventListener("abort", () => resolve(), { once: true });
  });
  if (stdin.isTTY) say(`attached to ${title}; Ctrl-A x detaches`);
  const input = { write: (bytes: Uint8Array) => socket.send(bytes) };
  using _input = joinInput(stdin, Promise.resolve(input), () => socket.close(), isRaw);
  await closed;
  socket.terminate();
  say("detached");
  return EXIT.passed;
}

/** What the console's text messages tell, as far as a person has to know it. */
interface Notice {
  readonly type: string;
  readonly bytes?: number;
  readonly isYou?: boolean;
  readonly reason?: string;
}

function tellNotice(data: Buffer, say: (text: string) => void): void {
  const { type, bytes = 0, isYou, reason } = JSON.parse(data.toString("utf8")) as Notice;
  if (type === "gap") say(`${bytes} bytes are left out here`);
  if (type === "writer" && isYou === false) say("somebody else writes: you read only, until they have gone");
  if (type === "inputRefused") say(`${bytes} bytes were not taken: ${REFUSALS[reason ?? ""] ?? "the board is off"}`);
}

const REFUSALS: Readonly<Record<string, string>> = {
  writer: "somebody else writes",
  full: "the guest does not read",
};
