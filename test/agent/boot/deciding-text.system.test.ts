/** Guests whose emulator stops them as soon as they have written the text that decides their test. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { BootRequest } from "../../../src/agent/boot/boot.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { createBootLab, type RecordingUart } from "./boot-lab.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;
const BOARDS = ["mps2-an385", "riscv64-virt"];

describe.skipIf(FARM_QEMU === undefined)("in the farm's own QEMU", () => {
  let images: string;
  beforeAll(async () => {
    images = await buildFirmware();
  });

  const cases = readBoards()
    .filter(({ metadata }) => BOARDS.includes(metadata.name))
    .flatMap(({ metadata: { name }, spec }) =>
      (["spawn", "spare", "recycle"] as const).map((strategy) => ({ name, spec, strategy })),
    );

  describe.each(cases)("on $name, by $strategy", ({ name, spec, strategy }) => {
    const lab = () => createBootLab({ strategy, searchPath: [FARM_QEMU ?? ""] });
    const request = (): Partial<BootRequest> => ({
      firmware: { format: "elf", image: join(images, name, "shell.elf") },
      decidingText: { text: "shell" },
    });

    test("one that is ended when its text has been read has said nothing behind it", async () => {
      await using booted = await lab();
      const { boot, uarts } = await booted.boot(spec, request());
      const [console] = uarts as [RecordingUart];
      await console.until("shell");
      expect(await boot.stop()).toEqual({ reason: "Stopped" });
      expect(console.text).toBe("emufarm shell");
    });

    test("one that nobody ends goes on, and no pause is told", async () => {
      await using booted = await lab();
      const told: string[] = [];
      const events = { onPaused: () => told.push("paused"), onResumed: () => told.push("resumed") };
      const { uarts } = await booted.boot(spec, { ...request(), events });
      const [console] = uarts as [RecordingUart];
      await console.until("> ");
      console.write("echo still there\n");
      await console.until("still there\n> ");
      expect(told).toEqual([]);
    });

    test("a text of another UART than it is wanted from is none", async () => {
      await using booted = await lab();
      const uart = spec.uarts[1]?.name;
      if (uart === undefined) return;
      const { uarts } = await booted.boot(spec, { ...request(), decidingText: { text: "shell", uart } });
      const [console, second] = uarts as [RecordingUart, RecordingUart];
      await console.until("> ");
      console.write("uart1 my shell here\n");
      await second.until("my shell here");
    });
  });
});
