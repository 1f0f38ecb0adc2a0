import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { basename, join } from "node:path";
import { expect } from "vitest";
import { type InstalledFarm, installFarm } from "../../chart/installed-farm.ts";
import type { TestCluster } from "../../cluster/test-cluster.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { CliPlace, type StartedCli } from "../cli-place.ts";

/** A command on a busy machine, by way of the API server, is given so long. */
const PATIENCE_MS = 120_000;

interface ShownStatus {
  readonly podName: string;
  readonly phase: string;
  readonly storage: string;
  readonly endpoints: readonly { readonly name: string; readonly port: number; readonly nodePort?: number }[];
}

/** A farm in a cluster and the command line of somebody who works with its boards. */
export class ClusterLab implements AsyncDisposable {
  readonly place = new CliPlace();
  readonly farm: InstalledFarm;
  /** Every command that was carried out, as a person would type it where the files are. */
  readonly ran: string[][] = [];
  readonly #cluster: TestCluster;
  readonly #firmware: string;

  private constructor(cluster: TestCluster, farm: InstalledFarm, firmware: string) {
    this.#cluster = cluster;
    this.farm = farm;
    this.#firmware = firmware;
  }

  static async open(cluster: TestCluster): Promise<ClusterLab> {
    const [farm, firmware] = await Promise.all([installFarm(cluster), buildFirmware()]);
    return new ClusterLab(cluster, farm, firmware);
  }

  /** An image of the tests, or of the examples. */
  image(board: string, app: string): string {
    return join(this.#firmware, board, `${app}.elf`);
  }

  /** Goes on; `--namespace` is that of the boards. */
  start(...args: string[]): StartedCli {
    this.#note(args);
    return this.place.start(this.#placed(args), this.#options);
  }

  /** What a command that succeeds prints. */
  async emufarm(...args: string[]): Promise<string> {
    this.#note(args);
    const { code, stdout, stderr } = await this.place.run(this.#placed(args), this.#options);
    expect({ args, code }, stderr).toEqual({ args, code: 0 });
    return stdout;
  }

  /** What a command says that cannot be carried out. */
  async refused(...args: string[]): Promise<string> {
    const { code, stderr } = await this.place.run(this.#placed(args), this.#options);
    expect({ args, code }, stderr).not.toEqual({ args, code: 0 });
    return stderr;
  }

  /** What completes the last of these words. */
  async completions(command: string, ...words: string[]): Promise<string[]> {
    const line = [command, "--namespace", this.farm.boards.name, ...words];
    const { stdout } = await this.place.run(["completion", "words", "--", ...line], this.#options);
    return stdout.split("\n").filter((word) => word !== "");
  }

  /** Another program to its end; what it prints. */
  async tool(program: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.place.run(args, { program: [program] });
    expect({ program, code }, `${stdout}\n${stderr}`).toEqual({ program, code: 0 });
    return stdout;
  }

  async kubectl(...args: string[]): Promise<string> {
    return await this.farm.boards.kubectl(args);
  }

  /** @throws what the API server says of it */
  async apply(name: string, spec: object): Promise<void> {
    const object = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorInstance", metadata: { name }, spec };
    await this.farm.boards.kubectl(["apply", "-f", "-"], JSON.stringify(object));
  }

  async ready(name: string): Promise<void> {
    await this.kubectl("wait", "--for=condition=Ready", `emu/${name}`, "--timeout=120s").catch(async (error) => {
      throw new Error(`${name} is not ready:\n${await this.kubectl("describe", `emu/${name}`)}`, { cause: error });
    });
  }

  async status(name: string): Promise<ShownStatus> {
    return JSON.parse(await this.kubectl("get", `emu/${name}`, "-o", "jsonpath={.status}")) as ShownStatus;
  }

  async serviceAddress(name: string): Promise<string> {
    return await this.kubectl("get", `service/${name}`, "-o", "jsonpath={.spec.clusterIP}");
  }

  /** Settles once the log of its first UART has this, in the pod that it has by then. */
  async logged(name: string, pattern: RegExp): Promise<void> {
    const log = async () => (await this.place.run(this.#placed(["logs", name]), this.#options)).stdout;
    await expect.poll(log, { timeout: PATIENCE_MS, interval: 500 }).toMatch(pattern);
  }

  /** Takes the pod away, and waits for the next one. */
  async replacePod(name: string): Promise<void> {
    const { podName } = await this.status(name);
    await this.kubectl("delete", "pod", podName);
    const another = async () => (await this.status(name)).podName;
    await expect.poll(another, { timeout: PATIENCE_MS, interval: 250 }).not.toBe(podName);
    await this.ready(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.place[Symbol.dispose]();
    await this.farm[Symbol.asyncDispose]();
  }

  get #options() {
    return { env: { KUBECONFIG: this.#cluster.kubeconfig } };
  }

  #note(args: readonly string[]): void {
    const isFile = (word: string) =>
      [this.place.folder, this.#firmware].some((folder) => word.startsWith(`${folder}/`));
    this.ran.push(args.map((word) => (isFile(word) ? basename(word) : word)));
  }

  /** Options stand before what is for another program. */
  #placed(args: readonly string[]): string[] {
    const own = ["--namespace", this.farm.boards.name];
    const end = args.indexOf("--");
    return end < 0 ? [...args, ...own] : [...args.slice(0, end), ...own, ...args.slice(end)];
  }
}

/** A connection to a raw port, with what it has heard. */
export class RawClient implements Disposable {
  readonly #socket: Socket;
  #text = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").on("data", (data: string) => {
      this.#text += data;
    });
    // What breaks is told by its end.
    socket.on("error", () => {});
  }

  static async connect(host: string, port: number): Promise<RawClient> {
    const socket = connect({ host, port });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  get text(): string {
    return this.#text;
  }

  get hasEnded(): boolean {
    return this.#socket.readableEnded || this.#socket.destroyed;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  async says(text: string): Promise<void> {
    await expect.poll(() => this.#text, { timeout: PATIENCE_MS }).toContain(text);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
