/** What can happen to a machine of a cluster. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "../setup/say.mjs";
import { freeze } from "./cgroups.ts";
import { start } from "./cluster.ts";
import { daemonsOf } from "./daemons.ts";
import { cutPower, enter, runOn, untilOff } from "./machine.ts";
import { setCable } from "./network.ts";
import { type ClusterSettings, MACHINES, type MachineName, machineFolder } from "./settings.ts";

/** Power cut: daemons and pods end at once. Settles when no process of it is left; its disk stays. */
export async function killMachine(settings: ClusterSettings, machine: MachineName): Promise<void> {
  enter(settings, machine);
  cutPower(settings, machine);
  await untilOff(settings, machine);
}

/** Power on. Settles when the machine runs, not when it is ready. */
export async function startMachine(settings: ClusterSettings, machine: MachineName): Promise<void> {
  await start(settings, machine);
}

/** Pulls its cable: it runs on, alone. */
export async function cutCable(settings: ClusterSettings, machine: MachineName): Promise<void> {
  enter(settings, machine);
  await setCable(settings, machine, false);
}

/** Puts its cable back. */
export async function healCable(settings: ClusterSettings, machine: MachineName): Promise<void> {
  enter(settings, machine);
  await setCable(settings, machine, true);
}

/** As a kernel that hangs: nothing runs, connections stay open. */
export async function freezeMachine(settings: ClusterSettings, machine: MachineName): Promise<void> {
  enter(settings, machine);
  freeze(settings, machine, true);
}

export async function thawMachine(settings: ClusterSettings, machine: MachineName): Promise<void> {
  enter(settings, machine);
  freeze(settings, machine, false);
}

/** Kills one daemon, which stays off until it is resumed. Without `staysOff` it is started again after a second. */
export async function stopDaemon(
  settings: ClusterSettings,
  machine: MachineName,
  daemon: string,
  { staysOff = true } = {},
): Promise<void> {
  const mark = markOf(settings, machine, daemon);
  if (staysOff) {
    mkdirSync(join(mark, ".."), { recursive: true });
    writeFileSync(mark, "");
  }
  await runOn(settings, machine, ["bash", "-c", 'kill -KILL "$(</run/"$0".pid)"', daemon]);
}

export async function resumeDaemon(settings: ClusterSettings, machine: MachineName, daemon: string): Promise<void> {
  rmSync(markOf(settings, machine, daemon), { force: true });
}

/** @throws {SetupError} where there is none of this name */
export function machineNamed(name: string | undefined): MachineName {
  const machine = MACHINES.find((one) => one === name);
  if (machine === undefined) throw new SetupError(`which machine? One of: ${MACHINES.join(", ")}`);
  return machine;
}

function markOf(settings: ClusterSettings, machine: MachineName, daemon: string): string {
  const names = daemonsOf(settings, machine).map(({ name }) => name);
  if (!names.includes(daemon)) throw new SetupError(`which daemon of ${machine}? One of: ${names.join(", ")}`);
  return join(machineFolder(settings, machine), "off", daemon);
}
