/** Cables: a machine's to the switch, and the host's one link to it. */
import { execa } from "execa";
import { enter, initOf } from "./machine.ts";
import {
  addressOf,
  type ClusterSettings,
  isNode,
  type MachineName,
  NODES,
  podRange,
  serviceRange,
} from "./settings.ts";

/** Makes the switch, and the host's link to it. The link's routes go when it goes. */
export async function plugInSwitch(settings: ClusterSettings, init: number): Promise<void> {
  const { name } = settings;
  await ip(["link add br0 type bridge", "link set br0 up"], netOf(settings, "switch"));
  await ip([
    `link add ${name} type veth peer name host netns ${init}`,
    `addr add ${addressOf(settings, "host")}/24 dev ${name}`,
    // No IPv6 on it: no router's advertisement can reach the host.
    `link set ${name} addrgenmode none`,
    `link set ${name} up`,
    // Services answer at the first node.
    `route add ${serviceRange(settings)} via ${addressOf(settings, "node1")} dev ${name}`,
    ...podRoutes(settings, "host"),
  ]);
  await ip(["link set host master br0 up"], netOf(settings, "switch"));
}

/** Connects a machine to the switch. */
export async function plugIn(
  settings: ClusterSettings,
  machine: Exclude<MachineName, "switch">,
  init: number,
): Promise<void> {
  const address = addressOf(settings, machine);
  const last = address.split(".").at(-1) ?? "";
  const onSwitch = netOf(settings, "switch");
  // That of the last life may be there until the kernel has cleared it away.
  await ip([`link delete ${machine}`], onSwitch).catch(() => undefined);
  // The same hardware address in each life: the others remember it, long enough for healthy nodes to count as gone.
  const mac = `02:00:00:00:00:${last.padStart(2, "0")}`;
  await ip(
    [`link add ${machine} type veth peer name eth0 address ${mac} netns ${init}`, `link set ${machine} master br0 up`],
    onSwitch,
  );
  // Its PID 1 goes on when it sees the address: routes before that are refused, so they come right after.
  await ip(
    ["link set eth0 up", `addr add ${address}/24 dev eth0`, ...podRoutes(settings, machine)],
    netOf(settings, machine),
  );
}

/** Pulls a machine's cable, or puts it back: the machine runs on. */
export async function setCable(settings: ClusterSettings, machine: MachineName, isIn: boolean): Promise<void> {
  await ip([`link set ${machine} ${isIn ? "up" : "down"}`], netOf(settings, "switch"));
}

/** At once, while the switch itself ends when the kernel gets to it. */
export async function unplugHost({ name }: ClusterSettings): Promise<void> {
  // There is none where the cluster is down.
  await ip([`link delete ${name}`]).catch(() => undefined);
}

function podRoutes(settings: ClusterSettings, machine: MachineName | "host"): string[] {
  const others = machine !== "host" && isNode(machine) ? NODES.filter((node) => node !== machine) : NODES;
  return others.map((node) => `route add ${podRange(settings, node)} via ${addressOf(settings, node)}`);
}

/** Words of nsenter for the network of a machine alone: `ip` is the host's. */
function netOf(settings: ClusterSettings, machine: MachineName): string[] {
  const init = initOf(settings, machine);
  return init === undefined ? enter(settings, machine) : ["--target", String(init), "--net", "--"];
}

async function ip(lines: readonly string[], where?: readonly string[]): Promise<void> {
  const command = ["ip", "-batch", "-"];
  const [program = "ip", ...args] = where === undefined ? command : ["nsenter", ...where, ...command];
  await execa(program, args, { input: `${lines.join("\n")}\n` });
}
