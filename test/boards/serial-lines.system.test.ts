import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CONTROL, encodeComPort } from "../../src/core/serial/com-port.ts";
import { encodeNegotiation, encodeSubnegotiation, OPTION } from "../../src/core/serial/telnet.ts";
import { AgentLab, readUntil } from "../agent/attempt/agent-lab.ts";
import { startShell } from "../agent/uart/serial-lab.ts";
import { emulatorFolder, emulatorSets } from "./emulator-sets.ts";
import { readBoards } from "./manifests.ts";

const boards = readBoards();

const control = (...values: number[]) =>
  Buffer.concat(
    values.map((value) => encodeSubnegotiation(OPTION.comPort, encodeComPort({ type: "control", value }, "client"))),
  );

/** What a tool sends to reset a board, by what the lines are wired to. */
const WAYS = {
  rts: control(CONTROL.dtrOff, CONTROL.rtsOn, CONTROL.rtsOff),
  dtr: control(CONTROL.dtrOff, CONTROL.dtrOn),
  break: control(CONTROL.breakOn, CONTROL.breakOff),
};

describe.each(emulatorSets())("on $name", (set) => {
  let lab: AgentLab;

  beforeAll(async () => {
    lab = await AgentLab.start({ EMUFARM_QEMU_PATH: set.folders.join(":") });
  });

  afterAll(() => lab[Symbol.asyncDispose]());

  const wired = boards
    .filter((board) => emulatorFolder(set, board) !== undefined)
    .flatMap(({ metadata: { name }, spec: { uarts } }) => {
      const lines = uarts[0]?.controlLines;
      const ways = (["rts", "dtr", "break"] as const).filter((line) => /^reset/.test(lines?.[line] ?? ""));
      return ways.map((way) => ({ name, way }));
    });

  it.each(wired)("$name starts anew by $way of its first UART, and the session stays", async ({ name, way }) => {
    const { console, status } = await startShell(lab, `${name}-${way}`, name);
    const banner = `emufarm shell on ${name}`;
    await readUntil(lab.client.log({ instance: status.uid }, console, { isFollowed: true }), "> ");
    const port = status.endpoints.find((one) => one.name === `${console}-rfc2217`)?.port ?? 0;
    const socket = connect({ port, host: "127.0.0.1" });
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
    });
    socket.write(encodeNegotiation("WILL", OPTION.comPort));
    await expect.poll(() => text.split(banner).length - 1).toBe(1);
    socket.write(WAYS[way]);
    await expect.poll(() => text.split(banner).length - 1).toBe(2);
    await expect.poll(() => text.endsWith("> ")).toBe(true);
    socket.write("echo the same session\n");
    await expect.poll(() => text).toContain("the same session");
    socket.destroy();
    await lab.client.deleteInstance(status.uid);
  });

  it("every board is wired to something", () => {
    const names = boards
      .filter((board) => emulatorFolder(set, board) !== undefined)
      .map(({ metadata }) => metadata.name);
    expect([...new Set(wired.map(({ name }) => name))]).toEqual(names);
  });
});
