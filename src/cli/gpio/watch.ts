import type { WebSocket } from "ws";
import type { GpioLines } from "../../core/gpio/gpio-line.ts";
import type { GpioMessage } from "../../core/wire/gpio.ts";
import type { Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import { liveScreen } from "../screen/live-screen.ts";
import { type Paint, painter } from "../screen/style.ts";
import { terminalSize } from "../screen/terminal-size.ts";
import type { OutputStream, Surroundings } from "../surroundings.ts";
import type { GpioOptions } from "./gpio.ts";
import { Strip } from "./strip.ts";

/** A moment of the strip; a line that changes faster is shown as busy. */
const MOMENT_MS = 100;
const NS_PER_S = 1e9;

/** How what comes is shown. */
interface View extends Disposable {
  show(message: GpioMessage, text: string): void;
}

/** `emufarm gpio TARGET watch [LINE...]`: changes as they come, until Ctrl-C or so many of them. */
export async function watch(
  { stdout, stderr, env, interrupted }: Surroundings,
  target: Target,
  lines: GpioLines,
  words: readonly string[],
  { json, count, coalesce }: GpioOptions,
): Promise<number> {
  const asked = new Set(words.map((word) => lines.find(word).number));
  const isAsked = (number: number) => asked.size === 0 || asked.has(number);
  const isLive = !json && stdout.isTTY === true && env.TERM !== "dumb";
  const paint = painter(stdout, env);
  using view = json ? jsonView(stdout) : isLive ? liveView(stdout, paint) : plainView(stdout);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let left = count ?? Number.POSITIVE_INFINITY;
  const merge = coalesce ?? (isLive ? `${MOMENT_MS / 2}ms` : undefined);
  const query = merge === undefined ? "" : `?coalesce=${encodeURIComponent(merge)}`;
  const socket: WebSocket = await target.openWebSocket(`gpio${query}`, (data) => {
    if (left <= 0) return;
    const shown = only(JSON.parse(data.toString()) as GpioMessage, isAsked, left);
    if (!shown) return;
    left -= changesIn(shown);
    view.show(shown, JSON.stringify(shown));
    if (left <= 0) end();
  });
  socket.on("close", (_code, reason) => {
    if (left > 0 && !interrupted.aborted) stderr.write(`emufarm: ${reason.toString() || "the connection has ended"}\n`);
    end();
  });
  interrupted.addEventListener("abort", () => end(), { once: true });
  if (interrupted.aborted) end();
  await ended;
  socket.terminate();
  return interrupted.aborted ? EXIT.interrupted : EXIT.passed;
}

/** What of a message is asked for; undefined: nothing. */
function only(message: GpioMessage, isAsked: (number: number) => boolean, most: number): GpioMessage | undefined {
  switch (message.type) {
    case "state":
      return { ...message, lines: message.lines.filter(({ number }) => isAsked(number)) };
    case "edges": {
      const edges = message.edges.filter(({ number }) => isAsked(number)).slice(0, most);
      return edges.length === 0 ? undefined : { ...message, edges };
    }
    case "merged": {
      const lines = message.lines.filter(({ number }) => isAsked(number));
      const edges = lines.reduce((sum, line) => sum + line.edges, 0);
      return lines.length === 0 ? undefined : { ...message, lines, edges };
    }
    case "error":
      return message;
  }
}

function changesIn(message: GpioMessage): number {
  if (message.type === "edges") return message.edges.length;
  return message.type === "merged" ? message.edges : 0;
}

function jsonView(stdout: OutputStream): View {
  return { show: (_message, text) => void stdout.write(`${text}\n`), [Symbol.dispose]: () => {} };
}

/** A line for each change, for programs that read lines and for logs. */
function plainView(stdout: OutputStream): View {
  const at = (timeNs: number) => `${(timeNs / NS_PER_S).toFixed(6)}s`;
  return {
    show(message) {
      if (message.type === "edges") {
        for (const { line, level, timeNs, by } of message.edges) {
          stdout.write(`${at(timeNs)} ${line} ${level}${by === "outside" ? " driven" : ""}\n`);
        }
      } else if (message.type === "merged") {
        for (const { line, level, edges, timeNs } of message.lines) {
          stdout.write(
            `${at(timeNs)} ${line} ${level} (${edges} changes${message.reason === "slow" ? ", not read in time" : ""})\n`,
          );
        }
      } else if (message.type === "error") {
        stdout.write(`${message.message}\n`);
      }
    },
    [Symbol.dispose]: () => {},
  };
}

/** The lines that were asked for; else those with names of their own, and each from its first change. */
function liveView(stdout: OutputStream, paint: Paint): View {
  const strip = new Strip();
  const screen = liveScreen(stdout);
  const frames = setInterval(() => {
    strip.advance();
    screen(strip.draw(terminalSize(stdout), paint));
  }, MOMENT_MS);
  const change = (number: number, line: string, level: 0 | 1, edges: number) => {
    strip.add(number, line, undefined);
    strip.change(number, level, edges);
  };
  return {
    show(message) {
      if (message.type === "state") {
        const named = message.lines.filter(({ line, name }) => line !== name);
        const all = message.lines.length <= MAX_UNNAMED ? message.lines : named;
        for (const { number, line, level } of all) strip.add(number, line, level ?? undefined);
      } else if (message.type === "edges") {
        for (const { number, line, level } of message.edges) change(number, line, level, 1);
      } else if (message.type === "merged") {
        for (const { number, line, level, edges } of message.lines) change(number, line, level, edges);
      }
    },
    [Symbol.dispose]() {
      clearInterval(frames);
      strip.advance();
      screen(strip.draw(terminalSize(stdout), paint));
      screen.done();
    },
  };
}

/** So few lines are shown whether they have names or not. */
const MAX_UNNAMED = 16;
