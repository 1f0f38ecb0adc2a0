import { basename } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { objectName } from "../../core/schema/metadata.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import { type JsonOptions, jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { followUp } from "../farm/follow-up.ts";
import { painter } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { Surroundings } from "../surroundings.ts";
import { awaitInstance, type WaitOptions } from "./await-instance.ts";
import { aboutFile, bringFile } from "./flash.ts";
import { openInstancePlace } from "./instance-place.ts";

interface StartOptions extends JsonOptions, WaitOptions {
  readonly name?: string;
  readonly tcp?: readonly string[];
  readonly paused?: true;
  readonly restart?: "never" | "on-failure" | "always";
  readonly ttl?: string;
}

const POLICIES = { never: "Never", "on-failure": "OnFailure", always: "Always" } as const;
const MAX_NAME = 50;
/** What ends by itself at once was to run no longer. */
const SETTLING_MS = 300;

/** `emufarm start BOARD FIRMWARE`: an instance that stays until it is deleted. */
export async function start(
  surroundings: Surroundings,
  board: string,
  file: string | undefined,
  options: StartOptions,
): Promise<number> {
  const { stdout, interrupted } = surroundings;
  checkName(options.name);
  await using place = await openInstancePlace(surroundings, options);
  await place.farm?.board(board);
  const taken = new Set((await place.list()).map(({ metadata }) => metadata.name));
  const name = options.name ?? freeName(file ?? board, board, taken);
  if (taken.has(name)) {
    const other = file === undefined ? "choose another name" : `emufarm flash ${name} ${file} gives it this firmware`;
    throw new FarmError("Conflict", { what: `Instance ${name}`, problem: `there is one of that name; ${other}` });
  }
  const brought = file === undefined ? undefined : await bringFile(surroundings, place, file);
  const made = await place
    .create(name, specOf(board, brought?.source, options))
    .catch((error: unknown) => Promise.reject(file === undefined ? error : aboutFile(error, file)));
  // One that is started again whenever it ends, or stands still, tells nothing by its first moments.
  const isSettling = !options.paused && (options.restart ?? "never") === "never";
  const waiting = { ...options, ...(isSettling && { settlingMs: SETTLING_MS }) };
  const instance = await awaitInstance(place, made, interrupted, waiting).catch((error: unknown) => {
    throw withWayOut(error, surroundings, name, options);
  });
  stdout.write(options.json ? jsonText(instance) : startedText(surroundings, name, instance, options));
  return EXIT.passed;
}

function specOf(board: string, firmware: object | undefined, { tcp, paused, restart, ttl }: StartOptions): object {
  return {
    board,
    ...(firmware && { firmware }),
    ...(tcp && { channels: tcp.map((channel) => ({ name: channel, tcp: true })) }),
    ...(paused && { paused: true }),
    ...(restart && { restartPolicy: POLICIES[restart] }),
    ...(ttl !== undefined && { ttl: { after: ttl } }),
  };
}

/** @throws {FarmError} InvalidRequest for what can be no name */
function checkName(name: string | undefined): void {
  const checked = objectName.optional().safeParse(name);
  if (checked.success) return;
  const problems = `--name ${name}: ${checked.error.issues.map(({ message }) => message).join(", ")}`;
  throw new FarmError("InvalidRequest", { problems });
}

/** What was made stays, so that it can be looked at: says how, and how to be rid of it. */
function withWayOut(thrown: unknown, surroundings: Surroundings, name: string, options: StartOptions): unknown {
  const next = (...words: string[]) => followUp(surroundings, options, words);
  const stays = `it is there still: ${next("describe", `emu/${name}`)} tells more, ${next("delete", `emu/${name}`)} takes it away`;
  if (surroundings.interrupted.aborted) surroundings.stderr.write(`emufarm: ${name} was made, and ${stays}\n`);
  if (!(thrown instanceof FarmError) || thrown.code !== "InstanceNotReady") return thrown;
  const details = { ...thrown.details, instance: name, problem: `${thrown.details.problem}; ${stays}` };
  return new FarmError("InstanceNotReady", details, { cause: thrown });
}

function startedText(
  surroundings: Surroundings,
  name: string,
  { spec, status = {} }: InstanceObject,
  options: StartOptions,
): string {
  const paint = painter(surroundings.stdout, surroundings.env);
  const { phase = "Pending", address = "", endpoints = [], lastExit } = status;
  const next = (...words: string[]) => followUp(surroundings, options, words);
  const isOver = phase === "Succeeded" || phase === "Failed";
  const rows = [
    ...endpoints.filter((one) => one.name !== "http").map((one) => [one.name, `${address}:${one.port}`]),
    ...(isOver
      ? [["ended", `${lastExit?.reason ?? phase}${lastExit?.code === undefined ? "" : ` ${lastExit.code}`}`]]
      : []),
    [isOver ? "read" : "talk", next(isOver ? "logs" : "console", name)],
    ...(phase === "Paused"
      ? [
          ["debug", next("gdb", name)],
          ["go on", next("resume", name)],
        ]
      : []),
    ["look", next("describe", `emu/${name}`)],
    ["end", next("delete", `emu/${name}`)],
  ];
  const head = isOver ? `${name} ran on ${spec.board}.` : `${name} is ${phase.toLowerCase()} on ${spec.board}.`;
  return `${head}\n${textTable(rows.map(([what = "", how = ""]) => [`  ${paint("dim", what)}`, how]))}`;
}

/** A name after the file that is free: `blink`, then `blink-2`. */
export function freeName(file: string, board: string, taken: ReadonlySet<string | undefined>): string {
  const plain = basename(file)
    .replace(/[.][^.]*$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+|-+$/g, "")
    .slice(0, MAX_NAME)
    .replace(/-+$/, "");
  const base = plain === "" ? board : plain;
  if (!taken.has(base)) return base;
  for (let count = 2; ; count++) if (!taken.has(`${base}-${count}`)) return `${base}-${count}`;
}
