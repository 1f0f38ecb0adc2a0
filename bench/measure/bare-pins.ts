import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINARY } from "./bare-qemu.ts";
import { readUntil } from "./serial.ts";

/** A bare QEMU of a board with its console, and the outputs of one device on a qtest socket. */
export interface BarePins extends AsyncDisposable {
  readonly uart: Socket;
  readonly qtest: Socket;
  /** Makes its main loop turn, so that input is taken. */
  kick(): void;
}

export async function startBarePins(machine: string, device: string, image: string): Promise<BarePins> {
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  const servers: Server[] = [];
  const connections = ["uart", "qtest"].map((name) => {
    const server = createServer();
    servers.push(server);
    server.listen(join(folder, name));
    return once(server, "connection") as Promise<[Socket]>;
  });
  const child = spawn(
    BINARY,
    [
      ...["-M", machine, "-nodefaults", "-display", "none", "-monitor", "none", "-accel", "tcg,tb-size=64"],
      ...["-serial", `unix:${join(folder, "uart")}`, "-kernel", image],
      ...["-qtest", `unix:${join(folder, "qtest")}`, "-qtest-log", "none"],
      ...["-chardev", "stdio,id=qmp", "-mon", "chardev=qmp,mode=control"],
    ],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  child.stdin.on("error", () => {});
  child.stdout.resume();
  child.stdin.write('{"execute":"qmp_capabilities"}\n');
  const exited = once(child, "exit");
  const [[uart], [qtest]] = (await Promise.all(connections)) as [[Socket], [Socket]];
  for (const socket of [uart, qtest]) socket.on("error", () => {});
  const accepted = readUntil(qtest, "OK");
  qtest.write(`irq_intercept_out ${device}\n`);
  await accepted;
  return {
    uart,
    qtest,
    kick: () => void child.stdin.write('{"execute":"query-status"}\n'),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      for (const socket of [uart, qtest]) socket.destroy();
      for (const server of servers) server.close();
      await rm(folder, { recursive: true });
    },
  };
}
