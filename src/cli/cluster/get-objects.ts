import type { CustomResource } from "../../core/kubernetes/custom-resources.ts";
import type { ObjectTable } from "../../kube/object-table.ts";
import { EXIT } from "../exit-code.ts";
import type { Surroundings } from "../surroundings.ts";
import type { ObjectsAsked } from "./object-kind.ts";
import { type GetOptions, questionsOf, tableOf } from "./object-question.ts";
import { shownTable } from "./object-table-text.ts";
import { type Cluster, openCluster } from "./open-cluster.ts";
import { printObjects } from "./print-objects.ts";
import { watchObjects } from "./watch-objects.ts";

/** `emufarm get emu`: objects of the cluster, in the columns of `kubectl get`. */
export async function getObjects(
  surroundings: Surroundings,
  asked: ObjectsAsked,
  options: GetOptions,
): Promise<number> {
  await using cluster = await openCluster(surroundings, options);
  const questions = questionsOf(asked, cluster, options);
  if (options.watch) return await watchObjects(surroundings, cluster, questions, options);
  const output = options.output ?? (options.json ? "json" : undefined);
  if (output === "json" || output === "yaml") return await printObjects(surroundings, cluster, questions, output);
  const tables = await Promise.all(questions.map((question) => tableOf(cluster, question)));
  const { stdout, stderr } = surroundings;
  const shown = questions.flatMap(({ kind }, index) => {
    const table = tables[index];
    return table && table.rows.length > 0 ? [{ kind, table }] : [];
  });
  if (shown.length === 0) stderr.write(`${nothingText(asked, cluster, options)}\n`);
  if (output === "name") {
    const names = shown.flatMap(({ kind, table }) =>
      table.rows.map(({ metadata }) => `${fullName(kind)}/${metadata.name}\n`),
    );
    stdout.write(names.join(""));
    return EXIT.passed;
  }
  const isMixed = asked.kinds.length > 1 || new Set(asked.names.map(({ kind }) => kind)).size > 1;
  const grouped = asked.names.length > 0 ? oneOfEachKind(shown) : shown;
  const texts = grouped.map(({ kind, table }) =>
    shownTable(table, {
      isWide: output === "wide",
      hasNamespaces: options.allNamespaces === true && kind.isNamespaced,
      prefix: isMixed ? `${fullName(kind)}/` : "",
    }).text(),
  );
  stdout.write(texts.join("\n"));
  return EXIT.passed;
}

function oneOfEachKind(shown: readonly { kind: CustomResource; table: ObjectTable }[]) {
  const byKind = new Map<CustomResource, ObjectTable>();
  for (const { kind, table } of shown) {
    const before = byKind.get(kind);
    byKind.set(kind, before ? { ...before, rows: [...before.rows, ...table.rows] } : table);
  }
  return [...byKind].map(([kind, table]) => ({ kind, table }));
}

function nothingText({ kinds }: ObjectsAsked, cluster: Cluster, { allNamespaces }: GetOptions): string {
  const isEverywhere = allNamespaces || kinds.every(({ isNamespaced }) => !isNamespaced);
  return isEverywhere ? "No resources found" : `No resources found in ${cluster.namespace} namespace.`;
}

/** As kubectl names a kind where there are several. */
export function fullName({ kind, apiVersion }: CustomResource): string {
  return `${kind.toLowerCase()}.${apiVersion.split("/")[0]}`;
}
