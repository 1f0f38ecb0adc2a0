import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { escapeBytes, framePayload, GdbDecoder, hexOf, payloadText } from "../../src/core/gdb/gdb-packet.ts";
import { createTemporaryFolder } from "../api/store/temporary-folder.ts";
import { describeFarmQemu, FarmMachine } from "./farm-machine.ts";
import { type MachineKind, machines } from "./machine-table.ts";

const RAM: Readonly<Record<string, number>> = { "mps2-an385": 0x2000_0000, "riscv64-virt": 0x8000_0000 };
const NOWHERE = 0x5000_0000;

/** Every byte, those that are escaped and those that end a text among them. */
const BYTES = Uint8Array.from({ length: 2_000 }, (_, at) => at * 7 + (at >> 8));

function binaryWrite(address: number, bytes: Uint8Array, length = bytes.length): Uint8Array {
  const head = Buffer.from(`X${address.toString(16)},${length.toString(16)}:`);
  return Buffer.concat([head, escapeBytes(bytes)]);
}

/** Asks a stub one packet after the other. */
function askerOf(stub: Socket): (payload: string | Uint8Array) => Promise<string> {
  const decoder = new GdbDecoder(64 * 1024);
  return async (payload) => {
    stub.write(framePayload(payload));
    for (;;) {
      const [chunk] = (await once(stub, "data")) as [Buffer];
      const packet = decoder.decode(chunk).find((element) => element.type === "packet");
      if (!packet) continue;
      stub.write("+");
      return payloadText(packet.payload);
    }
  };
}

async function debugged(kind: MachineKind, path: string): Promise<FarmMachine> {
  return await FarmMachine.start(kind, { args: ["-gdb", `unix:${path},server=on,wait=off`] });
}

describeFarmQemu("the stub of the farm's own emulator", () => {
  test.each(machines("mps2-an385", "riscv64-virt"))("writes memory in binary: $board", async (kind) => {
    await using folder = await createTemporaryFolder();
    const path = join(folder.path, "gdb.sock");
    await using _machine = await debugged(kind, path);
    const stub = connect(path);
    await once(stub, "connect");
    const ask = askerOf(stub);
    const ram = RAM[kind.board] ?? 0;
    expect(await ask(binaryWrite(ram, new Uint8Array()))).toBe("OK");
    expect(await ask(binaryWrite(ram + 3, BYTES))).toBe("OK");
    expect(await ask(`m${(ram + 3).toString(16)},${BYTES.length.toString(16)}`)).toBe(hexOf(BYTES));
    expect(await ask(binaryWrite(ram, BYTES, BYTES.length + 1)), "says more than it has").toBe("E22");
    expect(await ask(binaryWrite(ram, BYTES, 1)), "says less than it has").toBe("E22");
    expect(await ask("X"), "says nothing").toMatch(/^(E22)?$/);
    expect(await ask("?"), "the stub goes on").toMatch(/^T/);
    const one = Uint8Array.of(1);
    const inText = await ask(`M${NOWHERE.toString(16)},1:01`);
    expect(await ask(binaryWrite(NOWHERE, one)), "as M where there is no memory").toBe(inText);
    stub.destroy();
  });
});
