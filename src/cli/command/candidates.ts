import type { Command, Option } from "commander";
import type { FarmOptions } from "../farm-options.ts";

/** What a place of the command line takes, where that is known. */
export type CandidateKind =
  | "board"
  | "ownBoard"
  | "run"
  | "job"
  | "unfinished"
  | "running"
  | "listing"
  | "shell"
  | "instance"
  | "position"
  | "propertyAction"
  | "propertyPath"
  | "propertyName"
  | "gpioAction"
  | "gpioLine";

/** Where somebody is on a command line that is not complete. */
export type Place =
  | { readonly type: "words"; readonly words: readonly string[] }
  | {
      readonly type: "kinds";
      readonly kinds: readonly CandidateKind[];
      readonly farm: FarmOptions;
      /** What stands before it, without the commands and options. */
      readonly operands: readonly string[];
    }
  /** A file, or nothing that anybody knows. */
  | { readonly type: "other" };

/** By command and place of the argument. */
const KINDS: Readonly<Record<string, readonly (readonly CandidateKind[])[]>> = {
  run: [["board"]],
  describe: [["instance", "board", "run", "job"]],
  get: [["listing", "run"], ["instance"]],
  logs: [["instance", "job"]],
  start: [["board"]],
  delete: [["instance"]],
  power: [["running"], ["position"]],
  reset: [["running"]],
  pause: [["running"]],
  resume: [["running"]],
  flash: [["instance"]],
  console: [["running"]],
  qmp: [["running"]],
  gdb: [["running"]],
  pull: [["running"]],
  prop: [["running"], ["propertyAction"], ["propertyPath"], ["propertyName"]],
  monitor: [["running"]],
  screen: [["running"]],
  vnc: [["running"]],
  gpio: [["running"], ["gpioAction"], ["gpioLine"]],
  cancel: [["unfinished"]],
  junit: [["run"]],
  "boards remove": [["ownBoard"]],
  completion: [["shell"]],
};

const FARM_OPTIONS: Readonly<Record<string, keyof FarmOptions>> = {
  "--farm": "farm",
  "--token-file": "tokenFile",
  "--data": "data",
  "--context": "context",
  "--namespace": "namespace",
  "--kubeconfig": "kubeconfig",
};

/**
 * Where the last of these words stands, as the program's commands and options say.
 * @param words those after the program's name; the last one is being typed, and may be empty
 */
export function placeOf(program: Command, words: readonly string[]): Place {
  const typed = words.at(-1) ?? "";
  const farm: { -readonly [Key in keyof FarmOptions]: string } = {};
  let command = program;
  let path = "";
  const operands: string[] = [];
  let awaited: Option | undefined;
  for (const word of words.slice(0, -1)) {
    if (awaited) {
      const known = FARM_OPTIONS[awaited.long ?? ""];
      if (known) farm[known] = word;
      awaited = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      awaited = optionsOf(command).find((option) => option.required && (option.long === word || option.short === word));
      continue;
    }
    const inner = operands.length === 0 ? command.commands.find((one) => one.name() === word) : undefined;
    if (inner) {
      command = inner;
      path = `${path} ${word}`.trim();
    } else operands.push(word);
  }
  if (awaited) return awaited.argChoices ? { type: "words", words: awaited.argChoices } : { type: "other" };
  if (typed.startsWith("-")) {
    return { type: "words", words: optionsOf(command).flatMap(({ long }) => (long ? [long] : [])) };
  }
  if (command.commands.length > 0 && operands.length === 0) {
    return { type: "words", words: command.commands.map((one) => one.name()) };
  }
  const kinds = KINDS[path]?.[operands.length];
  return kinds ? { type: "kinds", kinds, farm, operands } : { type: "other" };
}

function optionsOf(command: Command): readonly Option[] {
  const own = command.options.filter(({ hidden }) => !hidden);
  return command.parent?.parent ? [...own, ...optionsOf(command.parent)] : own;
}
