/** What runs on the machines of a cluster, with its settings. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { controlPlaneDaemons } from "./control-plane-daemons.ts";
import { nodeDaemons, nodeFiles } from "./node-daemons.ts";
import { type ClusterSettings, isNode, type MachineName, machineFolder } from "./settings.ts";

/** A program that is started again whenever it ends. */
export interface Daemon {
  readonly name: string;
  /** Address and port of what must answer before it is started, for a quick start; it would try again by itself. */
  readonly after?: { readonly host: string; readonly port: number };
  readonly command: readonly string[];
}

/** Writes what a machine starts, and the files that its daemons read. */
export function writeDaemons(settings: ClusterSettings, machine: MachineName): void {
  const folder = machineFolder(settings, machine);
  for (const name of ["disk", "daemons", "off", "log", "settings"]) mkdirSync(join(folder, name), { recursive: true });
  for (const daemon of daemonsOf(settings, machine)) {
    const file = join(folder, "daemons", daemon.name);
    writeFileSync(file, script(daemon));
    chmodSync(file, 0o755);
  }
  if (!isNode(machine)) return;
  for (const [name, text] of Object.entries(nodeFiles(settings, machine))) {
    const file = join(folder, "settings", name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

export function daemonsOf(settings: ClusterSettings, machine: MachineName): readonly Daemon[] {
  if (machine === "switch") return [];
  return machine === "control-plane" ? controlPlaneDaemons(settings) : nodeDaemons(settings, machine);
}

function script({ after, command }: Daemon): string {
  const wait = after && `until (: <>/dev/tcp/${after.host}/${after.port}) 2>/dev/null; do sleep 0.1; done\n`;
  return `#!/bin/bash\n${wait ?? ""}exec ${command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")}\n`;
}
