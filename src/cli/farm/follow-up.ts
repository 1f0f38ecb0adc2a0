import { isClusterWanted, isKubectlPlugIn } from "../cluster/cluster-wanted.ts";
import type { FarmOptions } from "../farm-options.ts";
import { shellQuoted } from "../screen/style.ts";
import type { Surroundings } from "../surroundings.ts";

type Where = Pick<Surroundings, "env">;

/**
 * A command that a person may paste: it reaches the farm that this call has, also where the way to it was in the
 * environment of this call alone.
 */
export function followUp(surroundings: Where, options: FarmOptions, words: readonly string[]): string {
  return commandLine(surroundings, [...words, ...wayTo(surroundings, options)]);
}

/** The command that starts the farm which this call would have. */
export function upCommand({ env }: Where, { data = env.EMUFARM_DATA }: FarmOptions): string {
  return commandLine({ env: {} }, ["up", ...(data ? ["--data", data] : [])]);
}

/** The same command line once more; what the environment says becomes options. */
export function sameAgain({ env, args }: Pick<Surroundings, "env" | "args">, options: FarmOptions): string {
  const [command = "", ...rest] = args;
  const said = Object.fromEntries(Object.keys(options).map((name) => [ENVIRONMENT[name] ?? name, ""]));
  const isCluster = isClusterWanted({ env }, options);
  const way = isCluster ? wayToCluster({ ...env, ...said }, {}) : wayTo({ env: { ...env, ...said } }, {});
  // Behind the command's name: what follows `--` is no option.
  return commandLine({ env }, [command, ...way, ...rest]);
}

const ENVIRONMENT: Readonly<Record<string, string>> = {
  farm: "EMUFARM_URL",
  tokenFile: "EMUFARM_TOKEN_FILE",
  data: "EMUFARM_DATA",
};

function wayTo({ env }: Where, options: FarmOptions): string[] {
  if (options.farm === undefined && isClusterWanted({ env }, options)) return wayToCluster(env, options);
  const values: [string, string | undefined][] = [
    ["--farm", options.farm ?? env.EMUFARM_URL],
    ["--token-file", options.tokenFile ?? env.EMUFARM_TOKEN_FILE],
    ["--data", options.data ?? env.EMUFARM_DATA],
  ];
  return present(values);
}

function wayToCluster(env: Where["env"], options: FarmOptions): string[] {
  return present([
    // KUBECONFIG is a shell's affair, for kubectl as well.
    ["--kubeconfig", options.kubeconfig],
    ["--context", options.context],
    ["--namespace", options.namespace],
    ["--token-file", options.tokenFile ?? env.EMUFARM_TOKEN_FILE],
  ]);
}

function present(values: readonly (readonly [string, string | undefined])[]): string[] {
  return values.flatMap(([option, value]) => (value ? [option, value] : []));
}

/** As whoever called can call again: as kubectl's plug-in, or by its own name. */
function commandLine(surroundings: Where, words: readonly string[]): string {
  const program = isKubectlPlugIn(surroundings) ? ["kubectl", "emufarm"] : ["emufarm"];
  return [...program, ...words].map(shellQuoted).join(" ");
}
