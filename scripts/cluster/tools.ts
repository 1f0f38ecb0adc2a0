/** What a cluster consists of, where each part is built from, and where it lies once it is built. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "../setup/folders.mjs";
import { SetupError } from "../setup/say.mjs";

/** Raised when the way of building changes: what was built in another way is then left alone and not used. */
const RECIPE = 1;

const modulesFolder = join(projectFolder, "scripts/cluster/modules");

/** What a machine of a cluster sees of the host's folders, whatever lies in their way: it has a /var and /run of its own. */
export const inside = {
  tools: "/run/cluster/tools",
  keys: "/run/cluster/keys",
  machine: "/run/cluster/machine",
} as const;

export interface Tool {
  readonly name: ToolName;
  /** Names of programs, and the Go packages that they are; `.` is the module's own. */
  readonly programs: Readonly<Record<string, string>>;
  /** Other names of the first program, which looks at how it was called. */
  readonly aliases?: readonly string[];
  /** Arguments of the linker, for a version of the module named. */
  readonly versionFlags?: { readonly module: string; flags(version: string): string };
}

export type ToolName =
  | "etcd"
  | "kubernetes"
  | "containerd"
  | "cni"
  | "network-policy"
  | "local-volumes"
  | "coredns"
  | "test-images"
  | "helm"
  | "kwok"
  | "s3-server";

/** What a cluster consists of. */
export const CLUSTER_TOOLS: readonly ToolName[] = [
  "etcd",
  "kubernetes",
  "containerd",
  "cni",
  "network-policy",
  "local-volumes",
  "test-images",
  "coredns",
];

const containerd = "github.com/containerd/containerd/v2/cmd";
const cni = "github.com/containernetworking/plugins/plugins";

/** In the order in which they are built: etcd and Kubernetes are enough for a control plane. */
export const tools: readonly Tool[] = [
  { name: "etcd", programs: { etcd: "go.etcd.io/etcd/server/v3" } },
  {
    name: "kubernetes",
    programs: { kubernetes: "." },
    aliases: ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"],
    versionFlags: { module: "k8s.io/kubernetes", flags: kubernetesVersionFlags },
  },
  {
    name: "containerd",
    programs: Object.fromEntries(
      ["containerd", "containerd-shim-runc-v2", "ctr"].map((name) => [name, `${containerd}/${name}`]),
    ),
  },
  {
    name: "cni",
    programs: {
      ptp: `${cni}/main/ptp`,
      loopback: `${cni}/main/loopback`,
      "host-local": `${cni}/ipam/host-local`,
    },
  },
  { name: "network-policy", programs: { "network-policy": "." } },
  { name: "local-volumes", programs: { "local-volumes": "." } },
  { name: "test-images", programs: { pause: "./pause", probe: "./probe" } },
  { name: "coredns", programs: { coredns: "." } },
  { name: "helm", programs: { helm: "helm.sh/helm/v4/cmd/helm" } },
  { name: "kwok", programs: { kwok: "sigs.k8s.io/kwok/cmd/kwok" } },
  { name: "s3-server", programs: { versitygw: "github.com/versity/versitygw/cmd/versitygw" } },
];

/** Where all that a cluster is made of is kept. */
export function clustersCache(cache: string): string {
  return join(cache, "kubernetes");
}

/** The folder of a tool built from the present sources: its name changes with them. */
export function toolFolder(cache: string, tool: Tool): string {
  return join(clustersCache(cache), toolName(tool));
}

function toolName(tool: Tool): string {
  return `${tool.name}-${process.arch}-${toolInputs(tool).slice(0, 16)}`;
}

/** Sources of a tool: its module's files, which pin everything else by digest. */
export function moduleFolder({ name }: Tool): string {
  return join(modulesFolder, name);
}

/**
 * Folders of programs, by their tools.
 *
 * @throws {SetupError} where one is not built
 */
export function programFolders(cache: string, names: readonly ToolName[]): string[] {
  const chosen = tools.filter(({ name }) => names.includes(name));
  const missing = missingTools(cache, names);
  if (missing.length > 0) {
    throw new SetupError(`${missing.join(", ")} not built yet. Type: npm run cluster -- build ${missing.join(" ")}`);
  }
  return chosen.map((tool) => join(toolFolder(cache, tool), "bin"));
}

/** The programs of a tool, as a machine of a cluster finds them. */
export function insideToolFolder(name: ToolName): string {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  return `${inside.tools}/${toolName(tool)}/bin`;
}

/** The folder of one tool's programs. @throws {SetupError} where it is not built */
export function programFolder(cache: string, name: ToolName): string {
  return programFolders(cache, [name])[0] ?? "";
}

/** Those of these tools that are not built from the present sources. */
export function missingTools(cache: string, names: readonly ToolName[]): ToolName[] {
  return tools
    .filter((tool) => names.includes(tool.name) && !existsSync(toolFolder(cache, tool)))
    .map(({ name }) => name);
}

/** The version that a module of a tool is pinned to, such as `v1.36.3`. */
export function pinnedVersion(tool: Tool, module: string): string {
  const text = readFileSync(join(moduleFolder(tool), "go.mod"), "utf8");
  const version = text.split("\n").flatMap((line) => {
    const [name, found] = line.replace(/^\s*(require\s)?\s*/, "").split(" ");
    return name === module && found !== undefined && found !== "=>" ? [found] : [];
  })[0];
  if (version === undefined) throw new SetupError(`go.mod of ${tool.name} does not name ${module}`);
  return version;
}

function toolInputs(tool: Tool): string {
  const folder = moduleFolder(tool);
  const hash = createHash("sha256").update(`${RECIPE}\0${JSON.stringify(tool)}\0`);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(mod|sum|go)$/.test(file))
    .sort();
  for (const file of files) {
    const content = readFileSync(join(folder, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

function kubernetesVersionFlags(version: string): string {
  const [major, minor] = version.slice(1).split(".");
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(" ");
}
