import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";

/** What changes by itself on any machine. */
const RESTLESS = [
  /^fs\/(dentry-state|inode-nr|inode-state|file-nr|quota)/,
  /^kernel\/(random|ns_last_pid|pty\/nr|sched_domain)/,
  /^net\/netfilter\/nf_conntrack_count/,
  /^vm\/(stat|drop_caches)/,
];

/** Everything of this machine that a cluster could change and has a name for, as lines. */
export async function hostState(): Promise<string[]> {
  const commands = {
    link: ["ip", "-oneline", "link", "show"],
    address: ["ip", "-oneline", "address", "show"],
    route: ["ip", "route", "show", "table", "all"],
    route6: ["ip", "-6", "route", "show", "table", "all"],
    rule: ["ip", "rule", "show"],
    netns: ["ip", "netns", "list"],
    nftables: ["nft", "list", "ruleset"],
  };
  const said = await Promise.all(
    Object.entries(commands).map(async ([name, [program = "", ...args]]) => {
      const { stdout } = await execa(program, args);
      return stdout.split("\n").map((line) => `${name} ${settled(line)}`);
    }),
  );
  const folders = ["/run", "/run/netns", "/var/lib", "/var/log", "/etc", "/opt", "/usr/libexec"];
  return [
    ...said.flat(),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .map((line) => `mount ${line.split(" ").slice(3).join(" ")}`),
    ...folders.flatMap((folder) => (existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [])),
    ...cgroups("/sys/fs/cgroup").map((path) => `cgroup ${path}`),
    ...sysctls("/proc/sys").map((line) => `sysctl ${line}`),
  ].sort();
}

/** Processes that are in a cgroup of this name, or were started with this word in their command. */
export function processesOf(name: string, word: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      const isInCgroup = read(`/proc/${pid}/cgroup`).includes(`/${name}/`);
      return isInCgroup || read(`/proc/${pid}/cmdline`).includes(word);
    })
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
}

/** Without what counts time: lives of routes and addresses, numbers of links. */
function settled(line: string): string {
  return line.replace(/expires \d+sec|valid_lft \w+|preferred_lft \w+|^\d+: /g, "").trimEnd();
}

function cgroups(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return children.flatMap(({ name }) => [join(folder, name), ...cgroups(join(folder, name))]);
}

function sysctls(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (RESTLESS.some((pattern) => pattern.test(path))) return [];
    return entry.isDirectory() ? sysctls(root, path) : [`${path} = ${read(join(root, path)).trim()}`];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Of a process that ended in between, or written to alone.
    return "";
  }
}
