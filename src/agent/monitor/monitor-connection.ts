import type { Socket } from "node:net";
import { FarmError } from "../../core/error/farm-error.ts";
import type { RawConnection } from "../channel/raw-port.ts";
import type { Guest } from "../guest/guest.ts";
import { askGuestMonitor } from "./guest-monitor.ts";
import { MonitorLines } from "./monitor-lines.ts";

const PROMPT = "(qemu) ";
const MAX_WAITING_LINES = 64;

/** The monitor as a prompt for people: a line is a question, its answer comes before the next prompt. */
export function serveMonitor(socket: Socket, guest: Guest): RawConnection {
  const lines = new MonitorLines();
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
  const dismiss = (reason: string) => {
    if (isEnded) return;
    end();
    socket.end(`\r\n${reason}\r\n`, () => socket.destroySoon());
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
      for (const question of lines.read(chunk)) {
        waiting += 1;
        lastAnswer = lastAnswer.then(() => answer(question));
      }
      if (lines.isTooLong) dismiss("a line is too long");
      else if (waiting > MAX_WAITING_LINES) socket.pause();
    },
    drained() {
      room.resolve();
      room = Promise.withResolvers();
    },
    dismissed: dismiss,
    closed: end,
  };
}

function problemOf(error: unknown): string {
  return `${FarmError.from(error).message}\n`;
}
