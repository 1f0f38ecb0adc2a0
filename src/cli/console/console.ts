import { fstatSync } from "node:fs";
import { hostname } from "node:os";
import { FarmError } from "../../core/error/farm-error.ts";
import { durationMs } from "../../core/schema/duration.ts";
import { openTarget } from "../channel/open-target.ts";
import { chooseUart, type Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { InputStream, Surroundings } from "../surroundings.ts";
import { ConsoleSession } from "./console-session.ts";
import { type EscapeKey, parseEscapeKey } from "./escape-key.ts";
import type { TimestampFormat } from "./timestamp.ts";

interface ConsoleOptions extends FarmOptions {
  readonly uart?: readonly string[];
  readonly raw?: true;
  readonly escape?: string;
  readonly take?: true;
  readonly readOnly?: true;
  readonly replay: boolean;
  readonly linger: string;
  readonly timestamps?: TimestampFormat | true;
  readonly pty?: string;
}

/** A longer name says no more. */
const LONGEST_LABEL = 64;
const ALL = "all";

/** `emufarm console`: the UARTs of a job or of an instance, what they have written so far first. */
export async function console(
  surroundings: Surroundings,
  name: string,
  uartName: string | undefined,
  options: ConsoleOptions,
): Promise<number> {
  const { env, stdin, interrupted } = surroundings;
  const isRaw = options.raw === true;
  const escapeKey = isRaw ? undefined : parseEscapeKey(options.escape ?? env.EMUFARM_ESCAPE);
  await using target = await openTarget(surroundings, name, options);
  const uarts = await chooseUarts(target, [...(uartName === undefined ? [] : [uartName]), ...(options.uart ?? [])]);
  const label = labelOf(surroundings);
  const isTaking = options.take === true;
  if (options.pty !== undefined) {
    const [uart = "", ...others] = uarts;
    if (others.length > 0) throw new FarmError("InvalidRequest", { problems: "--pty is a device for one UART" });
    const { servePseudoTerminal } = await import("./pseudo-terminal.ts");
    return await servePseudoTerminal(surroundings, target, { uart, link: options.pty, label, isTaking });
  }
  using session = await ConsoleSession.open(surroundings, {
    target,
    uarts,
    label,
    // Keys are pressed at a terminal; what comes from a pipe is for the guest.
    escapeKey: stdin.isTTY ? escapeKey : undefined,
    isSilent: isRaw,
    isReadOnly: options.readOnly === true,
    isReplayed: options.replay,
    isTaking,
    timestamps: options.timestamps === true ? "time" : options.timestamps,
  });
  using _input = joinTerminal(surroundings, session, () => {
    // Whoever reads only, or has no input at all, stays for what the guest says.
    if (options.readOnly !== true && !isNoInput(stdin)) session.detachAfterSilence(durationMs(options.linger));
  });
  // Not before every key counts.
  if (stdin.isTTY) session.say(`attached to ${uarts.join(", ")} of ${target.name}; ${helpText(escapeKey)}`);
  const detach = () => session.detach();
  interrupted.addEventListener("abort", detach, { once: true });
  if (interrupted.aborted) detach();
  await session.untilEnd();
  session.say("detached");
  return EXIT.passed;
}

/** Each once, in the order in which they were named; the board's console where none was. */
async function chooseUarts(target: Target, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [await chooseUart(target, undefined)];
  if (names.includes(ALL)) return (await target.board()).spec.uarts.map((uart) => uart.name);
  const chosen: string[] = [];
  for (const name of new Set(names)) chosen.push(await chooseUart(target, name));
  return chosen;
}

/** Who sits here, as others at the same UART are told. */
function labelOf({ env, uid }: Surroundings): string {
  return `${env.USER || env.LOGNAME || uid}@${hostname()}`.slice(0, LONGEST_LABEL);
}

function helpText(escapeKey: EscapeKey | undefined): string {
  return escapeKey
    ? `${escapeKey.title} x detaches, ${escapeKey.title} h tells more`
    : "no escape key: end it by a signal";
}

/** On a terminal every key counts, Ctrl-C too; from a file or pipe the bytes go through unchanged. */
function joinTerminal({ stdin }: Surroundings, session: ConsoleSession, onEnd: () => void): Disposable {
  const isTerminal = stdin.isTTY === true;
  const onData = (bytes: Buffer) => session.type(bytes);
  if (isTerminal) stdin.setRawMode(true);
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  return {
    [Symbol.dispose]() {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      if (isTerminal) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}

/** Of a service, or where it was closed: /dev/null. It ends at once, and nobody meant anything by it. */
function isNoInput({ fd, isTTY }: InputStream): boolean {
  return !isTTY && fstatSync(fd).isCharacterDevice();
}
