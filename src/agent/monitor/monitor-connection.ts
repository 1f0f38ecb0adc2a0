import type { Socket } from "node:net";
import { FarmError } from "../../core/error/farm-error.ts";
import type { RawConnection } from "../channel/raw-port.ts";
import type { Guest } from "../guest/guest.ts";

import { askGuestMonitor } from "./guest-monitor.ts";

const PROMPT = "(qemu) ";
const MAX_LINE_BYTES = 1_024;
const MAX_WAITING_LINES = 64;

/** The monitor as a prompt for people: a line is a question, its answer comes before the next prompt. */
export function serveMonitor(socket: Socket, guest: Guest): RawConnection {
  let line = "";
  let isEnded = false;
  let waiting = 0;
  let lastAnswer: Promise<void> = Promise.resolve();
  /** Settles when what was said has been taken: an answer is long, and a question short. */
  let room = Promise.withResolvers<void>();
  const end = () => {
    isEnded = true;
    room.resolve();
  };
  const say = (text: string) => {
    if (socket.writable) socket.write(text.replaceAll("\n", "\r\n"));
  };
  const answer = async (question: string) => {
    if (socket.writableNeedDrain) await room.promise;
    if (isEnded) return;
    say((await askGuestMonitor(guest, question).catch(problemOf)) + PROMPT);
    waiting -= 1;
    if (socket.isPaused() && waiting <= MAX_WAITING_LINES) socket.resume();
  };
  say(`emufarm monitor (read-only) - type 'help' for what it takes\n${PROMPT}`);
  return {
    receive(chunk) {
      if (isEnded) return;
      // Unwanted bytes, such as those of a telnet negotiation, make a question that is refused.
      const lines = (line + chunk.toString("latin1")).split(/\r?\n/);
      line = lines.pop() ?? "";
      if (Math.max(line.length, ...lines.map(({ length }) => length)) > MAX_LINE_BYTES) {
        end();
        socket.end("\r\na line is too long\r\n", () => socket.destroySoon());
        return;
      }
      for (const question of lines) {
        waiting += 1;
        lastAnswer = lastAnswer.then(() => answer(question));
      }
      if (waiting > MAX_WAITING_LINES) socket.pause();
    },
    drained() {
      room.resolve();
      room = Promise.withResolvers();
    },
    closed: end,
  };
}

function problemOf(error: unknown): string {
  return `${FarmError.from(error).message}\n`;
}
