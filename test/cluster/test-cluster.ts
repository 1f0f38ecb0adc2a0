import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { delimiter } from "node:path";
import { execa } from "execa";
import { loadImage } from "../../scripts/cluster/images.ts";
import type { ClusterSettings } from "../../scripts/cluster/settings.ts";
import { missingTools, programFolder } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";

/** A Kubernetes with nodes, shared by all tests of a run, one file after another. */
export interface TestCluster {
  readonly kubeconfig: string;
  /** The farm's own, whose machines can be handled with the functions of scripts/cluster; undefined for another. */
  readonly own: ClusterSettings | undefined;
  /** Runs kubectl and answers with its stdout. @throws where it fails, with its words */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Has an archive of an image on every node, where the nodes are ours. */
  load(archive: string): Promise<void>;
  /** A namespace of a test's own, which goes with it. */
  makeNamespace(prefix: string): Promise<TestNamespace>;
}

export interface TestNamespace extends AsyncDisposable {
  readonly name: string;
  kubectl(args: readonly string[], input?: string): Promise<string>;
}

/** @param own where it is the farm's own */
export function testCluster(kubeconfig: string, own: ClusterSettings | undefined): TestCluster {
  const kubectl = async (args: readonly string[], input = "") => {
    const env = { PATH: pathWithKubectl(), KUBECONFIG: kubeconfig };
    return (await execa("kubectl", args, { env, input })).stdout;
  };
  return {
    kubeconfig,
    own,
    kubectl,
    async load(archive) {
      if (own !== undefined) await loadImage(own, archive);
    },
    async makeNamespace(prefix) {
      const name = `${prefix}-${randomBytes(3).toString("hex")}`;
      await kubectl(["create", "namespace", name]);
      const inNamespace = (args: readonly string[], input?: string) => kubectl(["--namespace", name, ...args], input);
      // Until then no pod is let in.
      await inNamespace(["wait", "--for=create", "serviceaccount/default", "--timeout=60s"]);
      return {
        name,
        kubectl: inNamespace,
        async [Symbol.asyncDispose]() {
          await kubectl(["delete", "namespace", name, "--wait=false", "--ignore-not-found"]);
        },
      };
    },
  };
}

/** Our kubectl before the system's; another cluster may be tried without ours. */
function pathWithKubectl(): string {
  const cache = ownCacheFolder();
  const own = missingTools(cache, ["kubernetes"]).length === 0 ? programFolder(cache, "kubernetes") : "";
  return [...(existsSync(own) ? [own] : []), process.env.PATH].join(delimiter);
}
