import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { QmpClient } from "../../../src/agent/qmp/qmp-client.ts";
import { UartHub } from "../../../src/agent/uart/uart-hub.ts";
import { temporaryFolder } from "./socket-pair.ts";

/** An emulator with its UART at a hub. */
export interface EmulatedUart extends AsyncDisposable {
  readonly hub: UartHub;
  /** The emulator's end of the line, for a comparison with the bare socket. */
  readonly socket: Socket;
  /** Everything that the guest has written. */
  output(): string;
  /** Settles once the guest has written this; looks behind the place that the last call found. */
  waitFor(text: string): Promise<void>;
}

/** Starts a firmware for mps2-an385 in stock QEMU, which connects to sockets of ours. */
export async function emulateUart(image: string): Promise<EmulatedUart> {
  const folder = await temporaryFolder();
  const hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log") });
  const [uart, qmp] = [await listen(join(folder.path, "u")), await listen(join(folder.path, "q"))];
  const heard = listenTo(hub);
  const emulator = spawn("qemu-system-arm", [
    ...["-M", "mps2-an385", "-nodefaults", "-display", "none", "-monitor", "none", "-kernel", image],
    ...["-semihosting-config", "enable=on,target=gdb"],
    ...["-chardev", `socket,id=u,path=${join(folder.path, "u")}`, "-serial", "chardev:u"],
    ...["-chardev", `socket,id=q,path=${join(folder.path, "q")}`, "-mon", "chardev=q,mode=control"],
  ]);
  const [[socket], [qmpSocket]] = (await Promise.all([
    once(uart, "connection"),
    once(qmp, "connection"),
  ])) as Socket[][] as [[Socket], [Socket]];
  const client = new QmpClient(qmpSocket, 10_000);
  hub.attach(socket, 1, () => client.kick());
  await client.ready;
  return {
    hub,
    socket,
    ...heard,
    async [Symbol.asyncDispose]() {
      hub.end();
      await ended(emulator);
      client[Symbol.dispose]();
      for (const server of [uart, qmp]) server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function listenTo(hub: UartHub): Pick<EmulatedUart, "output" | "waitFor"> {
  let output = "";
  let place = 0;
  let check = () => {};
  hub.onData((chunk) => {
    output += chunk.toString("latin1");
    check();
  });
  const waitFor = (text: string) =>
    new Promise<void>((resolve) => {
      check = () => {
        const at = output.indexOf(text, place);
        if (at === -1) return;
        place = at + text.length;
        check = () => {};
        resolve();
      };
      check();
    });
  return { output: () => output, waitFor };
}

async function listen(path: string): Promise<Server> {
  const server = createServer();
  server.listen(path);
  await once(server, "listening");
  return server;
}

async function ended(emulator: ChildProcess): Promise<void> {
  if (emulator.exitCode !== null || emulator.signalCode !== null) return;
  const exit = once(emulator, "exit");
  emulator.kill("SIGKILL");
  await exit;
}
