import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { KubeSource } from "../../kube/kube-config.ts";
import type { KubeConnection } from "../../kube/kube-connection.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { isClusterWanted } from "./cluster-wanted.ts";

/** A cluster that a command works on. */
export interface Cluster extends AsyncDisposable {
  readonly kube: KubeConnection;
  /** The namespace of the option, or of the context. */
  readonly namespace: string;
  /**
   * Asks the cluster for something.
   * @param what what it is about, such as `EmulatorInstance sensor-01`
   * @throws {FarmError} its refusal in words
   */
  ask<Value>(what: string, ask: (kube: KubeConnection) => Promise<Value>): Promise<Value>;
  /** The same for an answer that comes bit by bit. */
  stream<Value>(what: string, ask: (kube: KubeConnection) => AsyncGenerator<Value>): AsyncGenerator<Value>;
}

/**
 * Opens the cluster that the options, `KUBECONFIG` or `~/.kube/config` name. Loads what speaks to it only now.
 * @throws {FarmError} NoCluster
 */
export async function openCluster(surroundings: Surroundings, options: ClusterOptions): Promise<Cluster> {
  const [{ connectToKube }, { clusterProblem }] = await Promise.all([
    import("../../kube/kube-connection.ts"),
    import("./cluster-problem.ts"),
  ]);
  let kube: KubeConnection;
  try {
    kube = connectToKube({ source: sourceOf(surroundings, options), userAgent: "emufarm" });
  } catch (error) {
    throw clusterProblem(error, { server: "", what: "", kind: "" });
  }
  tellWhich(surroundings, options, kube);
  const asked = (what: string) => ({ server: kube.server, what, kind: what.split(" ")[0] ?? what });
  return {
    kube,
    namespace: options.namespace ?? kube.namespace,
    async ask(what, ask) {
      try {
        return await ask(kube);
      } catch (error) {
        throw clusterProblem(error, asked(what));
      }
    },
    async *stream(what, ask) {
      try {
        yield* ask(kube);
      } catch (error) {
        throw clusterProblem(error, asked(what));
      }
    },
    [Symbol.asyncDispose]: () => kube[Symbol.asyncDispose](),
  };
}

/** A person who named no cluster is told which one it is; scripts read what comes on stderr. */
function tellWhich(surroundings: Surroundings, options: ClusterOptions, { context, namespace }: KubeConnection): void {
  const { stderr } = surroundings;
  if (!stderr.isTTY || isClusterWanted(surroundings, options)) return;
  stderr.write(`emufarm: no farm is up here; this is the cluster of context ${context}, namespace ${namespace}\n`);
}

function sourceOf({ env, home, cwd }: Surroundings, { kubeconfig, context }: ClusterOptions): KubeSource {
  const chosen = context === undefined ? {} : { context };
  if (kubeconfig !== undefined) return { kubeconfigFiles: [resolve(cwd, kubeconfig)], ...chosen };
  const files = (env.KUBECONFIG ?? "").split(":").filter((file) => file !== "");
  if (files.length > 0) return { kubeconfigFiles: files.map((file) => resolve(cwd, file)), ...chosen };
  const usual = join(home, ".kube/config");
  // As kubectl does: a pod of the cluster needs none.
  const isInPod = context === undefined && env.KUBERNETES_SERVICE_HOST !== undefined && !existsSync(usual);
  return isInPod ? { inCluster: true } : { kubeconfigFiles: [usual], ...chosen };
}
