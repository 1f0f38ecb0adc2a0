import type { Command } from "commander";
import type { Surroundings } from "../surroundings.ts";

/** Makes the action of a command of what carries it out, which is loaded when the command is called. */
export type Does = <Given extends unknown[]>(
  load: () => Promise<(surroundings: Surroundings, ...given: Given) => Promise<number>>,
) => (...given: unknown[]) => Promise<void>;

/** A command that talks to a farm: where that is. */
export function withFarm(command: Command): Command {
  return withCluster(command)
    .option("--farm <url>", "URL of the farm; default: the one that is up on this machine")
    .option("--token-file <file>", "file with the farm's token")
    .option("--data <folder>", "folder of the farm on this machine");
}

function withCluster(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig: work on that cluster")
    .option("-n, --namespace <name>", "namespace in the cluster; default: the context's")
    .option("--kubeconfig <file>", "default: KUBECONFIG, or ~/.kube/config");
}
