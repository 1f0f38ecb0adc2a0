import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DesiredStateInput } from "../../../src/core/wire/desired-state.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, boardSpecOf, EventLog, readUntil, sha256Of } from "../attempt/agent-lab.ts";

/** What an erased flash and a programmed one read as, in the words of flash-left and fuse-left. */
const EMPTY = "found 4294967295 ";
const WRITTEN = "found 305419896 ";

const OURS = process.env.EMUFARM_FARM_QEMU_PATH;
const STOCK = process.env.EMUFARM_QEMU_PATH ?? "";

let lab: AgentLab;

/** What the guest of this boot has found; each boot's log begins with it. */
async function found(uid: string, text: string, times: number): Promise<void> {
  await lab.statusWhen(uid, ({ phase, boots }) => phase === "Running" && boots > 0);
  const read = await readUntil(lab.client.log({ instance: uid }, "uart0", { isFollowed: true }), "left\n", times);
  expect(read.split("left\n").slice(0, times).at(-1)).toContain(text);
}

async function storageOf(uid: string, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const channels = lab.client.channels({ instance: uid });
  for await (const chunk of channels.bytes({ method: "GET", path: `storage/${name}` })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function desire(
  boardName: string,
  more: Partial<DesiredStateInput> = {},
  { tail = "", app = "flash-left" } = {},
): Promise<DesiredStateInput> {
  const image = Buffer.concat([
    await readFile(join(await buildFirmware(), boardName, `${app}.elf`)),
    // Other bytes are another firmware.
    Buffer.from(tail),
  ]);
  return await lab.desired(`on-${boardName}`, image, more, boardName);
}

/** A storage, the app that writes to it, and where. */
interface Kept {
  readonly board: string;
  readonly storage: string;
  readonly app: string;
  readonly sizeKiB: number;
  readonly place: number;
  /** A card is new with zeros, and nobody erases it. */
  readonly isCard?: true;
}

const FLASH: Kept = { board: "arm-virt", storage: "flash", app: "flash-left", sizeKiB: 65_536, place: 0 };
// Its UART stands still now and then where stock QEMU 10.0.13 waits for a drive: see patch wake-main-loop.
const OF_SIFIVE_U: readonly Kept[] = [
  { board: "sifive-u", storage: "efuse", app: "fuse-left", sizeKiB: 16, place: 0x200 * 4 },
  { board: "sifive-u", storage: "sd", app: "sd-left", sizeKiB: 65_536, place: 5 * 512, isCard: true },
];
const EMULATORS = [
  { emulator: "stock QEMU", searched: STOCK, kept: [FLASH] },
  ...(OURS === undefined
    ? []
    : [{ emulator: "the farm's own QEMU", searched: [OURS, STOCK].join(delimiter), kept: [FLASH, ...OF_SIFIVE_U] }]),
];

describe.for(EMULATORS)("Storage of boards in $emulator", ({ searched, kept }) => {
  beforeAll(async () => {
    lab = await AgentLab.start({ EMUFARM_SLOTS: "4", EMUFARM_QEMU_PATH: searched });
  });

  // What a test that failed has left would be taken for the next one's.
  afterEach(async () => {
    for (const { uid } of await lab.client.instances()) await lab.client.deleteInstance(uid);
  });

  afterAll(() => lab[Symbol.asyncDispose]());

  test.for(kept)(
    "what the guest of $board wrote is kept in its $storage, until a firmware comes that erases all",
    async ({ board, storage, app, sizeKiB, place, isCard = false }) => {
      const uid = `on-${board}`;
      const empty = isCard ? "found 0 " : EMPTY;
      await lab.client.putDesired(await desire(board, {}, { app }));
      await found(uid, empty, 1);
      const bytes = await storageOf(uid, storage);
      expect(bytes.length).toBe(sizeKiB * 1024);
      expect(bytes.readUInt32LE(place)).toBe(0x12345678);
      expect(bytes.readUInt32LE(bytes.length - 4)).toBe(isCard ? 0 : 0xffffffff);

      // Reset, then a pause and a reset after it, then power.
      await lab.client.putDesired(await desire(board, { generation: 2, resetCount: 1 }, { app }));
      await found(uid, WRITTEN, 2);
      await lab.client.putDesired(await desire(board, { generation: 3, resetCount: 1, isPaused: true }, { app }));
      await lab.statusWhen(uid, ({ phase }) => phase === "Paused");
      expect((await storageOf(uid, storage)).readUInt32LE(place)).toBe(0x12345678);
      await lab.client.putDesired(await desire(board, { generation: 4, resetCount: 1 }, { app }));
      await lab.statusWhen(uid, ({ phase }) => phase === "Running");
      await lab.client.putDesired(await desire(board, { generation: 5, resetCount: 2 }, { app }));
      await found(uid, WRITTEN, 3);
      await lab.client.putDesired(await desire(board, { generation: 6, resetCount: 2, power: "Off" }, { app }));
      await lab.statusWhen(uid, ({ phase }) => phase === "PoweredOff");
      await lab.client.putDesired(await desire(board, { generation: 7, resetCount: 2 }, { app }));
      await found(uid, WRITTEN, 4);
      // Other firmware, which replaces only what it occupies; then one that shall find all empty but a card.
      await lab.client.putDesired(await desire(board, { generation: 8, resetCount: 2 }, { app, tail: "other" }));
      await found(uid, WRITTEN, 5);
      const erasing = { generation: 9, resetCount: 2, flash: { erase: "all" as const } };
      await lab.client.putDesired(await desire(board, erasing, { app, tail: "yet another" }));
      await found(uid, isCard ? WRITTEN : empty, 6);
      await lab.client.deleteInstance(uid);
    },
  );

  test("storage outlives the emulator and the agent, and goes with its instance", async () => {
    const uid = "on-arm-virt";
    await lab.client.putDesired(await desire("arm-virt", { restartPolicy: "Always" }));
    await found(uid, EMPTY, 1);
    const [emulator = 0] = await lab.emulators();
    process.kill(emulator, "SIGKILL");
    await found(uid, WRITTEN, 2);
    await lab.end("SIGTERM");
    await lab.start();
    await lab.statusWhen(uid, ({ phase }) => phase === "Running");
    await readUntil(lab.client.log({ instance: uid }, "uart0", { isFollowed: true }), WRITTEN);
    await lab.client.deleteInstance(uid);
    await lab.client.putDesired(await desire("arm-virt"));
    await found(uid, EMPTY, 1);
    await expect(storageOf(uid, "sd")).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("this board has flash"),
    });
    await lab.client.deleteInstance(uid);
  });

  test("jobs begin with an empty flash, whatever ran before", async () => {
    const image = await readFile(join(await buildFirmware(), "arm-virt", "flash-left.elf"));
    await using log = new EventLog(lab.client);
    for (const id of ["first-1.1", "second-1.1"]) {
      await lab.client.putAttempt(id, await lab.specOf(image, { expectText: "left" }, "arm-virt"));
      const { lastLines } = await log.resultOf(id);
      // Without a drive the chip is memory, and that of a new machine is zeros.
      expect(lastLines.join("\n")).toContain("found 0 0 0 0");
    }
  });

  test.for(["raspi2b", "raspi3b"])("a card of its own is in %s", async (boardName) => {
    const image = await readFile(join(import.meta.dirname, "../../../examples/images", boardName, "shell.elf"));
    await lab.client.putFirmware(sha256Of(image), image);
    const board = await boardSpecOf(boardName);
    const desired = { uid: boardName, tenant: "test", generation: 1, epoch: 1, boardName, board, power: "On" as const };
    await lab.client.putDesired({ ...desired, firmware: { sha256: sha256Of(image) } });
    await lab.statusWhen(boardName, ({ phase }) => phase === "Running");
    expect((await storageOf(boardName, "sd")).length).toBe(64 * 1024 * 1024);
    await lab.client.deleteInstance(boardName);
  });
});
