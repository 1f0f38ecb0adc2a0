import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { BINARY, bareArguments } from "./bare-qemu.ts";

/** A bare QEMU with its QMP on a TCP connection. */
export interface BareQmp extends AsyncDisposable {
  readonly qmp: Socket;
}

export async function startBareQmp(image: string): Promise<BareQmp> {
  const server = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const child = spawn(
    BINARY,
    [
      ...bareArguments(image, "null"),
      ...["-chardev", `socket,id=qmp,host=127.0.0.1,port=${port},nodelay=on`, "-mon", "chardev=qmp,mode=control"],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const exited = once(child, "exit");
  const [qmp] = (await once(server, "connection")) as [Socket];
  // An emulator that is killed resets the line.
  qmp.on("error", () => {});
  return {
    qmp,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      qmp.destroy();
      server.close();
    },
  };
}
