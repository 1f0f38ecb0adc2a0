import type { FollowUp } from "../command/job-text.ts";
import type { ClusterOptions } from "../farm-options.ts";
import { shellQuoted } from "../screen/style.ts";
import type { InstanceObject } from "./describe-object.ts";
import type { Row } from "./object-text.ts";

/** What there is to tell of an instance. */
export function instanceRows({ spec, status = {} }: InstanceObject): Row[] {
  const { board, emulator, firmware, endpoints = [], lastExit, podName, nodeName } = status;
  return [
    ["board", `${spec.board}${board === undefined ? "" : ` (${board.kind})`}`],
    ["phase", status.phase],
    ["power", spec.paused === true ? "on, paused before the first instruction" : undefined],
    [
      "firmware",
      firmware && `${firmware.sha256}${firmware.sizeBytes === undefined ? "" : `, ${firmware.sizeBytes} bytes`}`,
    ],
    ["address", status.address],
    [
      "endpoints",
      endpoints.map(({ name, port, nodePort }) => `${name} ${port}${nodePort ? ` (node ${nodePort})` : ""}`).join(", "),
    ],
    ["emulator", emulator && `${emulator.binary} ${emulator.version}, ${emulator.accelerator}`],
    ["pod", podName && `${podName}${nodeName === undefined ? "" : ` on ${nodeName}`}`],
    ["storage", status.storage],
    ["restarts", status.restarts ? String(status.restarts) : undefined],
    ["last exit", lastExit && exitText(lastExit)],
    ...(lastExit?.lastLines ?? []).map((line, index): Row => [index === 0 ? "last lines" : "", line || " "]),
    ["expires", status.expiresAt],
  ];
}

function exitText({
  reason,
  code,
  signal,
  detail,
  time,
}: NonNullable<InstanceObject["status"]>["lastExit"] & object): string {
  const how = [code === undefined ? "" : `code ${code}`, signal ?? "", detail ?? ""].filter((part) => part !== "");
  return `${reason}${how.length === 0 ? "" : `: ${how.join(", ")}`}${time === undefined ? "" : `, at ${time}`}`;
}

/** What can be done with the instance as it stands, by commands that work as they are. */
export function nextSteps(
  { metadata, spec, status = {} }: InstanceObject,
  next: FollowUp,
  way?: ClusterOptions,
): Row[] {
  const { name = "", namespace } = metadata;
  const own = `emu/${name}`;
  const kubectl = (...words: string[]) =>
    ["kubectl", ...kubectlWay(way ?? {}), "-n", namespace ?? "", ...words].map(shellQuoted).join(" ");
  const isUp = way ? status.podName !== undefined : !UNPLACED.has(status.phase ?? "Pending");
  const isOff = spec.power === "Off" || (spec.power as unknown) === false;
  return [
    ["talk", isUp && !isOff ? next("console", own) : undefined],
    ["read", isUp ? next("logs", own) : undefined],
    ["debug", isUp && !isOff ? next("gdb", own) : undefined],
    [isOff ? "switch on" : "switch off", next("power", own, isOff ? "on" : "off")],
    ["go on", isUp && status.phase === "Paused" ? next("resume", own) : undefined],
    ["reset", isOff ? undefined : next("reset", own)],
    ["why", way === undefined || isReady(status) || !isUp ? undefined : kubectl("describe", `pod/${status.podName}`)],
    ["delete", next("delete", own)],
  ];
}

/** Phases of an instance that no agent has. */
const UNPLACED = new Set(["Pending", "Scheduling", "Stopped"]);

function kubectlWay({ kubeconfig, context }: ClusterOptions): string[] {
  return [
    ...(kubeconfig === undefined ? [] : ["--kubeconfig", kubeconfig]),
    ...(context === undefined ? [] : ["--context", context]),
  ];
}

function isReady({ conditions }: NonNullable<InstanceObject["status"]>): boolean {
  return conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}
