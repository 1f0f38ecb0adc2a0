import { formatDuration } from "../../core/schema/duration.ts";
import type { KubeObject } from "../../kube/kube-object.ts";
import { type Paint, plainLine } from "../screen/style.ts";
import { textTable } from "../screen/table.ts";
import type { KubeEvent } from "./cluster-objects.ts";

export type Row = readonly [string, string | undefined];

export interface DescribedObject {
  readonly object: KubeObject;
  /** What is to be told of its kind. */
  readonly rows: readonly Row[];
  /** Undefined where one may not read them. */
  readonly events: readonly KubeEvent[] | undefined;
  /** What can be done, and the command for it. */
  readonly next: readonly Row[];
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

const MOST_EVENTS = 20;

/** All about an object of the cluster, for people. */
export function objectText({ object, rows, events, next }: DescribedObject, paint: Paint, nowMs: number): string {
  const { kind, metadata } = object;
  const { status } = object as KubeObject & { status?: { conditions?: readonly Condition[] } };
  const where = metadata.namespace === undefined ? "" : ` in namespace ${metadata.namespace}`;
  const facts: Row[] = [
    [kind.toLowerCase(), `${metadata.name}${where}`],
    ["age", ageText(metadata.creationTimestamp, nowMs)],
    ["deleted", metadata.deletionTimestamp && `on its way since ${ageText(metadata.deletionTimestamp, nowMs)}`],
    ...rows,
  ];
  const parts = [
    table(facts, paint),
    section("conditions", conditionRows(status?.conditions ?? [], paint, nowMs), paint),
    section("events", eventRows(events, nowMs), paint),
    section(
      "next",
      next.flatMap(([what, how]) => (how ? [[what, how]] : [])),
      paint,
    ),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function table(rows: readonly Row[], paint: Paint): string {
  return textTable(rows.flatMap(([name, value]) => (value ? [[paint("dim", name), plainLine(value)]] : [])));
}

function section(title: string, rows: readonly (readonly string[])[], paint: Paint): string {
  if (rows.length === 0) return "";
  return `${paint("bold", title)}\n${textTable(rows.map(([first = "", ...rest]) => [`  ${first}`, ...rest]))}`;
}

function conditionRows(conditions: readonly Condition[], paint: Paint, nowMs: number): string[][] {
  return conditions.map(({ type, status, reason = "", message = "", lastTransitionTime }) => [
    type,
    type === "Ready" ? paint(status === "True" ? "green" : "red", status) : status,
    ageText(lastTransitionTime, nowMs) ?? "",
    reason,
    plainLine(message),
  ]);
}

function eventRows(events: readonly KubeEvent[] | undefined, nowMs: number): string[][] {
  if (events === undefined) return [["you may not read events in this namespace"]];
  const timed = events.map((event) => ({ event, time: lastTime(event) }));
  const shown = timed.toSorted((a, b) => a.time.localeCompare(b.time)).slice(-MOST_EVENTS);
  return shown.map(({ event: { type = "", reason = "", message = "", count, series }, time }) => {
    const times = series?.count ?? count ?? 1;
    return [ageText(time, nowMs) ?? "", type, reason, `${plainLine(message)}${times > 1 ? ` (${times} times)` : ""}`];
  });
}

function lastTime({ series, lastTimestamp, eventTime, firstTimestamp, metadata }: KubeEvent): string {
  return series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? firstTimestamp ?? metadata.creationTimestamp ?? "";
}

/** Time since a moment, to the second. */
export function ageText(time: string | undefined, nowMs: number): string | undefined {
  const sinceMs = Date.parse(time ?? "");
  if (Number.isNaN(sinceMs)) return undefined;
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1_000));
  return seconds === 0 ? "0s" : formatDuration(seconds * 1_000);
}
