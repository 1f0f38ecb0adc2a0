/** Images without a format: the emulator's user may read them, and nobody may write them. */
import { expect, test } from "vitest";
import { AgentLab, EventLog, exampleImage } from "./agent-lab.ts";

const BOARDS = ["mps2-an385", "microbit", "riscv64-virt"];
const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

/** What an ELF puts into memory, from its lowest address. */
function rawOf(elf: Buffer): Buffer {
  const is64 = elf[4] === 2;
  const number = (at: number) => (is64 ? Number(elf.readBigUInt64LE(at)) : elf.readUInt32LE(at));
  const first = number(is64 ? 32 : 28);
  const [size, count] = [elf.readUInt16LE(is64 ? 54 : 42), elf.readUInt16LE(is64 ? 56 : 44)];
  const parts = Array.from({ length: count }, (_, index) => {
    const at = first + index * size;
    const [offset, address, bytes] = is64 ? [8, 24, 32] : [4, 12, 16];
    const from = number(at + offset);
    return {
      type: elf.readUInt32LE(at),
      address: number(at + address),
      data: elf.subarray(from, from + number(at + bytes)),
    };
  }).filter(({ type, data }) => type === 1 && data.length > 0);
  const base = Math.min(...parts.map(({ address }) => address));
  const raw = Buffer.alloc(Math.max(...parts.map(({ address, data }) => address - base + data.length)));
  for (const { address, data } of parts) data.copy(raw, address - base);
  return raw;
}

test.each(BOARDS)("runs by stock QEMU: %s", (board) => runs(board, {}));

test.skipIf(FARM_QEMU === undefined).each(BOARDS)("runs by the farm's own: %s", (board) =>
  runs(board, { EMUFARM_QEMU_PATH: FARM_QEMU ?? "" }),
);

async function runs(board: string, env: Record<string, string>): Promise<void> {
  await using lab = await AgentLab.start({ ...env, EMUFARM_SLOTS: "1" });
  await using events = new EventLog(lab.client);
  // As root, a slot has a user id of its own: what root may do does not count.
  expect((await lab.client.info()).slotIsolation).toBe(process.getuid?.() === 0 ? "uid" : "none");
  const spec = await lab.specOf(rawOf(await exampleImage(board, "hello")), {}, board);
  for (const id of ["first.1", "again.1"]) {
    await lab.client.putAttempt(id, spec);
    expect(await events.resultOf(id)).toMatchObject({ verdict: "passed" });
  }
}
