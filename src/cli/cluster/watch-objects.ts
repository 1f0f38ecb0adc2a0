import { FarmError } from "../../core/error/farm-error.ts";
import { KubeError } from "../../kube/kube-error.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import { type GetOptions, type Question, tableOf } from "./object-question.ts";
import { shownTable } from "./object-table-text.ts";
import type { Cluster } from "./open-cluster.ts";

/** `emufarm get emu -w`: the objects, then each as it changes, until Ctrl-C. */
export async function watchObjects(
  { stdout, interrupted: signal }: Surroundings,
  cluster: Cluster,
  questions: readonly Question[],
  options: GetOptions,
): Promise<number> {
  const [question] = questions;
  if (question === undefined || questions.length > 1 || (options.output !== undefined && options.output !== "wide")) {
    throw new FarmError("InvalidRequest", { problems: "--watch shows one kind, or one object, as a table" });
  }
  const { kind, name, namespace, labelSelector } = question;
  const what = name === undefined ? `${kind.kind}s` : `${kind.kind} ${name}`;
  let table = await tableOf(cluster, question);
  const shown = shownTable(table, {
    isWide: options.output === "wide",
    hasNamespaces: options.allNamespaces === true && kind.isNamespaced,
    prefix: "",
  });
  stdout.write(shown.text());
  const selection = {
    ...(namespace !== undefined && { namespace }),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(name !== undefined && { fieldSelector: `metadata.name=${name}` }),
  };
  for (let { resourceVersion } = table; !signal.aborted; ) {
    try {
      for await (const event of cluster.kube.watchTable(kind, { ...selection, resourceVersion, signal })) {
        resourceVersion = event.resourceVersion;
        if (event.type !== "BOOKMARK") stdout.write(shown.below(event.rows));
      }
      // The server ends each watch after some minutes.
    } catch (error) {
      if (signal.aborted) return EXIT.interrupted;
      await cluster.ask(what, async () => {
        if (!(error instanceof KubeError) || error.status !== 410) throw error;
      });
      // What was kept since then is gone: all is shown as it is now.
      table = await tableOf(cluster, question);
      resourceVersion = table.resourceVersion;
      stdout.write(shown.below(table.rows));
    }
  }
  return EXIT.interrupted;
}
