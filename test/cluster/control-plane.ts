import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { isApiServerReady, untilTrue } from "../../scripts/cluster/readiness.ts";
import { missingTools, programFolders, type ToolName } from "../../scripts/cluster/tools.ts";
import { ownCacheFolder, projectFolder } from "../../scripts/setup/folders.mjs";
import { freePort } from "../free-port.ts";

const NEEDED: readonly ToolName[] = ["etcd", "kubernetes"];
const DEFINITIONS = join(projectFolder, "charts/emufarm/crds");
const READY_MS = 60_000;
/** A port that was free a moment ago may be taken by then. */
const PORT_ATTEMPTS = 3;

export interface ControlPlaneOptions {
  /** The farm's resource definitions: before the controllers, which look for new ones twice a minute. */
  readonly hasDefinitions?: boolean;
  /** Controllers that run as well, by their names in kube-controller-manager; none by default: nothing tidies up. */
  readonly controllers?: readonly string[];
  /** Further flags of kube-apiserver. */
  readonly apiServerFlags?: readonly string[];
}

/**
 * etcd and kube-apiserver as plain processes of a test: a real API without nodes. Pods stay as they are written.
 * No root, nothing on the machine but a loopback port and a temporary folder.
 */
export interface ControlPlane extends AsyncDisposable {
  /** Of kube-apiserver, over TLS. */
  readonly url: string;
  /** File, for a user who may do everything. */
  readonly kubeconfig: string;
  /** That user's. */
  readonly token: string;
  /** PEM: the certificate of kube-apiserver is signed by it. */
  readonly authority: string;
  /** Runs kubectl and answers with its stdout. @throws where it fails, with its words */
  kubectl(...args: string[]): Promise<string>;
  /** Kills kube-apiserver, as a power cut would; etcd stays. */
  stopApiServer(): Promise<void>;
  /** Starts it again, on the same port. */
  startApiServer(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open and nothing answers. */
  freezeApiServer(): void;
  thawApiServer(): void;
  /** The last words of a process, for a test that has failed. */
  log(name: "etcd" | "kube-apiserver" | "kube-controller-manager"): Promise<string>;
}

/** Why there can be no control plane here, for `describe.skipIf` and its name; undefined where there can. */
export function noControlPlane(): string | undefined {
  const missing = missingTools(ownCacheFolder(), NEEDED);
  return missing.length === 0 ? undefined : `not built: npm run cluster -- build ${missing.join(" ")}`;
}

/** Ready within seconds; the caller disposes of it. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  // Short, since a socket lies in it.
  const folder = await mkdtemp(join(tmpdir(), "emu-k8s-"));
  const plane = new Processes(folder);
  try {
    return await start(plane, folder, options);
  } catch (error) {
    await plane[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(plane: Processes, folder: string, options: ControlPlaneOptions): Promise<ControlPlane> {
  const token = randomBytes(16).toString("hex");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = (name: string) => join(folder, name);
  await writeFile(file("tokens.csv"), `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  await writeFile(file("sa.key"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  await writeFile(file("sa.pub"), publicKey.export({ type: "spki", format: "pem" }));
  await mkdir(file("certs"));
  const socket = `unix://${file("etcd.sock")}`;
  plane.spawn("etcd", etcdFlags(folder, socket));
  const apiServer = await startOnFreePort(plane, async (port) => ({
    flags: [...apiServerFlags(folder, socket, port), ...(options.apiServerFlags ?? [])],
    isReady: () => answersReady(`https://127.0.0.1:${port}`, token, file("certs/apiserver.crt")),
  }));
  const url = `https://127.0.0.1:${apiServer.port}`;
  const authority = await readFile(file("certs/apiserver.crt"), "utf8");
  const kubeconfig = file("kubeconfig");
  await writeFile(kubeconfig, kubeconfigText(url, authority, token), { mode: 0o600 });
  const kubectl = async (...args: string[]) => {
    const env = { PATH: plane.path, KUBECONFIG: kubeconfig };
    return (await execa("kubectl", args, { env, stdin: "ignore", cwd: folder })).stdout;
  };
  if (options.hasDefinitions) {
    await kubectl("apply", "--server-side", "-f", DEFINITIONS);
    await kubectl("wait", "--for=condition=Established", "-f", DEFINITIONS);
  }
  if (options.controllers !== undefined) {
    plane.spawn("kube-controller-manager", controllerFlags(folder, kubeconfig, options.controllers));
  }
  return {
    url,
    kubeconfig,
    token,
    authority,
    kubectl,
    stopApiServer: () => plane.kill("kube-apiserver"),
    startApiServer: async () => {
      plane.spawn("kube-apiserver", apiServer.flags);
      await plane.untilReady("kube-apiserver", apiServer.isReady);
    },
    freezeApiServer: () => plane.signal("kube-apiserver", "SIGSTOP"),
    thawApiServer: () => plane.signal("kube-apiserver", "SIGCONT"),
    log: (name) => plane.log(name),
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

interface Attempt {
  readonly flags: readonly string[];
  isReady(): Promise<boolean>;
}

async function startOnFreePort(
  plane: Processes,
  attemptOn: (port: number) => Promise<Attempt>,
): Promise<Attempt & { readonly port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const made = await attemptOn(port);
    plane.spawn("kube-apiserver", made.flags);
    try {
      await plane.untilReady("kube-apiserver", made.isReady);
      return { ...made, port };
    } catch (error) {
      const log = await plane.log("kube-apiserver");
      if (attempt === PORT_ATTEMPTS || !log.includes("address already in use")) throw error;
    }
  }
}

/** The programs of one control plane, each with its log in the folder. */
class Processes implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;
  readonly #children = new Map<string, ChildProcess>();

  constructor(folder: string) {
    this.#folder = folder;
    this.path = [...programFolders(ownCacheFolder(), NEEDED), process.env.PATH].join(delimiter);
  }

  spawn(name: string, flags: readonly string[]): void {
    const log = openSync(join(this.#folder, `${name}.log`), "a");
    const env = { ...process.env, PATH: this.path };
    const child = spawn(name, flags, { stdio: ["ignore", log, log], env, cwd: this.#folder });
    closeSync(log);
    this.#children.set(name, child);
    // Also when the test's process ends without clearing up.
    const endWithTest = () => child.kill("SIGKILL");
    process.once("exit", endWithTest);
    child.once("exit", () => process.off("exit", endWithTest));
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  async kill(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (child === undefined || hasEnded(child)) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }

  async untilReady(name: string, isReady: () => Promise<boolean>): Promise<void> {
    const isDecided = async () => hasEnded(this.#children.get(name)) || (await isReady());
    const words = async (what: string) => new Error(`${name} ${what}: ${await this.log(name)}`);
    await untilTrue(isDecided, READY_MS, () => words(`was not ready within ${READY_MS} ms`));
    if (hasEnded(this.#children.get(name))) throw await words("ended");
  }

  async log(name: string): Promise<string> {
    const file = join(this.#folder, `${name}.log`);
    return existsSync(file) ? (await readFile(file, "utf8")).slice(-8000) : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.kill(name)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** Sockets instead of ports: nobody else can take them, and nobody else can reach them. */
function etcdFlags(folder: string, socket: string): string[] {
  // A peer must have a host and a port; with this scheme they are the name of a socket in the working folder.
  const peer = "unix://peer:0";
  return [
    ...["--name=test", `--data-dir=${join(folder, "etcd")}`, "--log-level=error", "--unsafe-no-fsync"],
    ...[`--listen-client-urls=${socket}`, "--advertise-client-urls=http://localhost:1"],
    ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=test=${peer}`],
  ];
}

function apiServerFlags(folder: string, socket: string, port: number): string[] {
  return [
    ...["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", `--secure-port=${port}`],
    ...[`--etcd-servers=${socket}`, `--cert-dir=${join(folder, "certs")}`],
    ...[`--token-auth-file=${join(folder, "tokens.csv")}`, "--authorization-mode=RBAC"],
    ...["--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24"],
    ...[
      `--service-account-key-file=${join(folder, "sa.pub")}`,
      `--service-account-signing-key-file=${join(folder, "sa.key")}`,
    ],
    // Without a controller that makes service accounts no pod would be let in.
    ...["--disable-admission-plugins=ServiceAccount", "--allow-privileged=true"],
    // An address of the loopback cannot be an endpoint of the service `kubernetes`.
    ...["--endpoint-reconciler-type=none", "--shutdown-delay-duration=0s"],
  ];
}

function controllerFlags(folder: string, kubeconfig: string, controllers: readonly string[]): string[] {
  return [
    ...[
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      "--secure-port=0",
      `--controllers=${controllers.join(",")}`,
    ],
    ...[`--service-account-private-key-file=${join(folder, "sa.key")}`, "--kube-api-qps=200", "--kube-api-burst=400"],
  ];
}

function kubeconfigText(server: string, authority: string, token: string): string {
  const certificate = Buffer.from(authority).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": certificate } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  });
}

async function answersReady(url: string, token: string, authorityFile: string): Promise<boolean> {
  if (!existsSync(authorityFile)) return false;
  return await isApiServerReady(url, {
    ca: await readFile(authorityFile),
    headers: { authorization: `Bearer ${token}` },
  });
}
