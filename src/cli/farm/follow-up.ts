import type { FarmOptions } from "../farm-options.ts";
import { shellQuoted } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";

type Where = Pick<Surroundings, "env">;

/**
 * A command that a person may paste: it reaches the farm that this call has, also where the way to it was in the
 * environment of this call alone.
 */
export function followUp(surroundings: Where, options: FarmOptions, words: readonly string[]): string {
  return commandLine([...words, ...wayTo(surroundings, options)]);
}

/** The command that starts the farm which this call would have. */
export function upCommand({ env }: Where, { data = env.EMUFARM_DATA }: FarmOptions): string {
  return commandLine(["up", ...(data ? ["--data", data] : [])]);
}

/** The same command line once more; what the environment says becomes options. */
export function sameAgain({ env, args }: Pick<Surroundings, "env" | "args">, options: FarmOptions): string {
  const [command = "", ...rest] = args;
  const said = Object.fromEntries(Object.keys(options).map((name) => [ENVIRONMENT[name as keyof FarmOptions], ""]));
  // Behind the command's name: what follows `--` is no option.
  return commandLine([command, ...wayTo({ env: { ...env, ...said } }, {}), ...rest]);
}

const ENVIRONMENT = { farm: "EMUFARM_URL", tokenFile: "EMUFARM_TOKEN_FILE", data: "EMUFARM_DATA" } as const;

function wayTo({ env }: Where, options: FarmOptions): string[] {
  const values: [string, string | undefined][] = [
    ["--farm", options.farm ?? env.EMUFARM_URL],
    ["--token-file", options.tokenFile ?? env.EMUFARM_TOKEN_FILE],
    ["--data", options.data ?? env.EMUFARM_DATA],
  ];
  return values.flatMap(([option, value]) => (value ? [option, value] : []));
}

function commandLine(words: readonly string[]): string {
  return ["emufarm", ...words].map(shellQuoted).join(" ");
}
