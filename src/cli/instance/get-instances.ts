import { FarmError } from "../../core/error/farm-error.ts";
import { unknownTarget } from "../channel/unknown-target.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import type { GetOptions } from "../cluster/object-question.ts";
import { type ShownTable, shownTable } from "../cluster/object-table-text.ts";
import { ageText } from "../cluster/object-text.ts";
import { jsonText } from "../command/json-option.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import { upCommand } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { shown } from "./farm-place.ts";

type Cell = (instance: InstanceObject, nowMs: number) => string | number | undefined;

/** The columns of a cluster, with ports instead of an address that is always the same. */
const COLUMNS: readonly { readonly name: string; readonly isWide?: true; readonly cell: Cell }[] = [
  { name: "Name", cell: ({ metadata }) => metadata.name },
  { name: "Board", cell: ({ spec }) => spec.board },
  { name: "Phase", cell: ({ status }) => status?.phase },
  { name: "Ready", cell: (instance) => readyOf(instance)?.status },
  { name: "Ports", cell: ({ status }) => status?.endpoints?.map(({ name, port }) => `${name}:${port}`).join(",") },
  { name: "Age", cell: ({ metadata }, nowMs) => ageText(metadata.creationTimestamp, nowMs) },
  { name: "Reason", isWide: true, cell: (instance) => readyOf(instance)?.reason },
  { name: "Restarts", isWide: true, cell: ({ status }) => status?.restarts },
  { name: "Last Exit", isWide: true, cell: ({ status }) => status?.lastExit?.reason },
  { name: "Emulator", isWide: true, cell: ({ status }) => status?.emulator?.version },
  { name: "Accelerator", isWide: true, cell: ({ status }) => status?.emulator?.accelerator },
];

/** `emufarm get instances [NAME...]` of a farm on one machine. */
export async function getInstances(
  surroundings: Surroundings,
  names: readonly string[],
  options: GetOptions & FarmOptions,
): Promise<number> {
  const { stdout, stderr } = surroundings;
  if (options.allNamespaces || options.selector !== undefined) {
    throw new FarmError("InvalidRequest", { problems: "--all-namespaces and --selector are for a cluster" });
  }
  await using farm = await connectFarm(surroundings, options);
  const all = (await farm.instances.list()).map(shown);
  const known = all.map(({ metadata }) => metadata.name ?? "");
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) throw unknownTarget(missing, known);
  const isAsked = ({ metadata }: InstanceObject) => names.length === 0 || names.includes(metadata.name ?? "");
  const found = all.filter(isAsked);
  const output = options.output ?? (options.json ? "json" : undefined);
  if (output === "json" || output === "yaml") {
    const value = names.length === 1 ? found[0] : { apiVersion: "v1", kind: "List", items: found };
    const text = output === "json" ? jsonText : (await import("../../document/yaml-text.ts")).yamlText;
    stdout.write(text(value));
    return EXIT.passed;
  }
  if (output === "name") {
    stdout.write(found.map(({ metadata }) => `emulatorinstance.emufarm.dev/${metadata.name}\n`).join(""));
    return EXIT.passed;
  }
  if (found.length === 0 && !options.watch) stderr.write("There are no instances: emufarm start, or emufarm apply\n");
  if (found.length === 0 && !options.watch) return EXIT.passed;
  const table = tableOf(found, output === "wide");
  stdout.write(table.text());
  if (!options.watch) return EXIT.passed;
  const told = new Map(found.map((instance) => [instance.metadata.name, JSON.stringify(rowOf(instance).cells)]));
  for await (const news of farm.instances.watch(surroundings.interrupted)) {
    if (news.type !== "instance") continue;
    const instance = shown(news.instance);
    const row = rowOf(instance);
    const text = JSON.stringify(row.cells);
    // What is listed again was told already; of a change that no column shows there is nothing to tell.
    if (!isAsked(instance) || told.get(instance.metadata.name) === text) continue;
    told.set(instance.metadata.name, text);
    stdout.write(table.below([row]));
  }
  if (surroundings.interrupted.aborted) return EXIT.interrupted;
  throw new FarmError("FarmStopped", { start: upCommand(surroundings, options) });
}

function tableOf(instances: readonly InstanceObject[], isWide: boolean): ShownTable {
  const columns = COLUMNS.map(({ name, isWide: priority }) => ({ name, priority: Number(priority ?? false) }));
  const rows = instances.map(rowOf);
  return shownTable({ columns, rows, resourceVersion: "" }, { isWide, hasNamespaces: false, prefix: "" });
}

function rowOf(instance: InstanceObject) {
  const nowMs = Date.now();
  return { metadata: instance.metadata, cells: COLUMNS.map(({ cell }) => cell(instance, nowMs)) };
}

function readyOf({ status }: InstanceObject) {
  return status?.conditions?.find(({ type }) => type === "Ready");
}
