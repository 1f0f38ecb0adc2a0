import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The board that all figures are taken on: small, fast to start, in every QEMU since 2.10. */
export const BENCH_BOARD = "mps2-an385";
export const BINARY = "qemu-system-arm";

/** What the farm passes as well, without its sockets. */
export function bareArguments(
  image: string,
  serial: string,
  machine: readonly string[] = ["-M", BENCH_BOARD],
): string[] {
  return [
    ...machine,
    ...["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none"],
    ...["-accel", "tcg,tb-size=64", "-semihosting-config", "enable=on,target=gdb"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-serial", serial, "-kernel", image],
  ];
}

/** Wall seconds of `jobs` runs of bare QEMU under xargs, its UART to a file. */
export async function xargsSeconds(image: string, jobs: number, parallel: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  try {
    const started = performance.now();
    const child = spawn(
      "xargs",
      ["-P", String(parallel), "-I{}", BINARY, ...bareArguments(image, `file:${folder}/{}`)],
      // Each says that its network card has no peer; one that fails is told by its exit code.
      { stdio: ["pipe", "ignore", "ignore"] },
    );
    child.stdin.end(Array.from({ length: jobs }, (_, index) => `${index}\n`).join(""));
    const [code] = (await once(child, "exit")) as [number];
    if (code !== 0) throw new Error(`xargs ended with ${code}`);
    return (performance.now() - started) / 1_000;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Wall milliseconds of one whole bare QEMU process, UART to its standard output. */
export async function bareWholeProcessMs(image: string, binary = BINARY): Promise<number> {
  const started = performance.now();
  const child = spawn(binary, bareArguments(image, "stdio"), { stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${binary} ended with ${code}`);
  return performance.now() - started;
}

/** A bare QEMU with its first UART on a socket that we listen on. */
export interface BareGuest extends AsyncDisposable {
  readonly pid: number;
  readonly uart: Socket;
  /** Makes QEMU's main loop turn, without which stock QEMU leaves input lying: the least that any user must do. */
  kick(): void;
  /** Milliseconds from the spawn to the first byte of the UART; waits for it. */
  readonly firstByteMs: Promise<number>;
}

export interface BareGuestOptions {
  /** With QMP, so that it can be kicked; always where another machine is asked for. */
  readonly hasQmp?: boolean;
  /** Program; default: the distribution's emulator of the benchmarks' board. */
  readonly binary?: string;
  /** Arguments for the machine. */
  readonly machine?: readonly string[];
}

export async function startBareGuest(image: string, options: BareGuestOptions = {}): Promise<BareGuest> {
  const { binary = BINARY, machine, hasQmp = machine !== undefined } = options;
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  const path = join(folder, "uart0");
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  const started = performance.now();
  const qmpArguments = hasQmp ? ["-chardev", "stdio,id=qmp", "-mon", "chardev=qmp,mode=control"] : [];
  const child = spawn(binary, [...bareArguments(image, `unix:${path}`, machine), ...qmpArguments], {
    stdio: ["pipe", hasQmp ? "pipe" : "ignore", "inherit"],
  });
  // An emulator that has gone takes no more commands.
  child.stdin?.on("error", () => {});
  child.stdout?.resume();
  child.stdin?.write('{"execute":"qmp_capabilities"}\n');
  const exited = once(child, "exit");
  const [uart] = (await once(server, "connection")) as [Socket];
  // An emulator that is killed with bytes under way resets the line.
  uart.on("error", () => {});
  const firstByteMs = once(uart, "readable").then(() => performance.now() - started);
  firstByteMs.catch(() => {}); // a caller that does not ask must not be ended by it
  return {
    pid: child.pid as number,
    uart,
    kick: () => void child.stdin?.write('{"execute":"query-status"}\n'),
    firstByteMs,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      uart.destroy();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
