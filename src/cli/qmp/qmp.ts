import { createInterface } from "node:readline";
import { FarmError } from "../../core/error/farm-error.ts";
import { openTarget } from "../channel/open-target.ts";
import type { Target } from "../channel/target.ts";
import { EXIT } from "../exit-code.ts";
import type { FarmOptions } from "../farm-options.ts";
import { painter } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";
import { QmpExchange, type QmpMessage, type QmpReply } from "./qmp-exchange.ts";
import { commandOf, readQmpLine } from "./qmp-line.ts";

interface QmpOptions extends FarmOptions {
  readonly listen?: string;
}

/** `emufarm qmp`: one command, a session at a prompt, or a socket for other programs. */
export async function qmp(
  surroundings: Surroundings,
  name: string,
  command: string | undefined,
  words: readonly string[],
  options: QmpOptions,
): Promise<number> {
  await using target = await openTarget(surroundings, name, options);
  if (options.listen !== undefined) {
    const { offerLocally } = await import("../channel/local-socket.ts");
    return await offerLocally(surroundings, target, { path: "qmp", what: "QMP", at: options.listen, canReadOn: true });
  }
  if (command === undefined) return await converse(surroundings, target);
  using exchange = await QmpExchange.open(target);
  const request = command.startsWith("{") ? readQmpLine([command, ...words].join(" ")) : commandOf(command, words);
  const reply = await untilInterrupted(surroundings, exchange.execute(request));
  if (reply === undefined) return EXIT.interrupted;
  if ("return" in reply) surroundings.stdout.write(`${JSON.stringify(reply.return, null, 2)}\n`);
  else surroundings.stderr.write(`emufarm: ${problemText(reply.error)}\n`);
  return "return" in reply ? EXIT.passed : EXIT.failed;
}

/** A prompt, where somebody sits at it; else a command from each line of the input. */
async function converse(surroundings: Surroundings, target: Target): Promise<number> {
  const { stdin, stdout, env, interrupted } = surroundings;
  const paint = painter(stdout, env);
  const isPrompting = stdin.isTTY === true;
  let commands: string[] = [];
  let prompt = () => {};
  const tell = (text: string) => {
    stdout.write(isPrompting ? `\r${text}\n` : `${text}\n`);
    prompt();
  };
  const tellEvent = (event: QmpMessage) => tell(isPrompting ? eventText(event, paint) : JSON.stringify(event));
  using exchange = await QmpExchange.open(target, tellEvent);
  if (isPrompting) {
    const known = await exchange.execute({ execute: "query-commands" });
    if ("return" in known) commands = (known.return as { readonly name: string }[]).map((one) => one.name);
    stdout.write(`QMP of ${target.name}: COMMAND name=value..., or a request in JSON; Tab completes, Ctrl-D ends\n`);
  }
  const lines = createInterface({
    input: stdin,
    ...(isPrompting && { output: stdout, prompt: "(QMP) ", completer: (line: string) => completed(commands, line) }),
    signal: interrupted,
  });
  if (isPrompting) prompt = () => lines.prompt(true);
  exchange.closed.catch((error: unknown) => {
    tell(FarmError.from(error).message);
    lines.close();
  });
  prompt();
  let isFailed = false;
  for await (const line of lines) {
    const reply = line.trim() === "" ? undefined : await answered(exchange, line);
    if (reply && "error" in reply) isFailed = true;
    if (reply) tell(isPrompting ? replyText(reply, paint) : JSON.stringify(reply));
    else prompt();
  }
  prompt = () => {};
  if (isPrompting) stdout.write("\n");
  return isFailed && !isPrompting ? EXIT.failed : EXIT.passed;
}

async function answered(exchange: QmpExchange, line: string): Promise<QmpReply> {
  try {
    return await exchange.execute(readQmpLine(line));
  } catch (error) {
    const { code, message } = FarmError.from(error);
    // What cannot be sent is answered as what was sent in vain.
    return { error: { class: code, desc: message } };
  }
}

function completed(commands: readonly string[], line: string): [string[], string] {
  return line.includes(" ") ? [[], line] : [commands.filter((name) => name.startsWith(line)), line];
}

function replyText(reply: QmpReply, paint: ReturnType<typeof painter>): string {
  if ("error" in reply) return paint("red", problemText(reply.error));
  return JSON.stringify(reply.return, null, 2);
}

function eventText({ event, data }: QmpMessage, paint: ReturnType<typeof painter>): string {
  return paint("dim", `${String(event)} ${JSON.stringify(data ?? {})}`);
}

function problemText({ class: errorClass, desc }: { readonly class: string; readonly desc: string }): string {
  return `${errorClass}: ${desc}`;
}

async function untilInterrupted<Value>({ interrupted }: Surroundings, promise: Promise<Value>) {
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  interrupted.addEventListener("abort", () => resolve(undefined), { once: true });
  return await Promise.race([promise, ended]);
}
