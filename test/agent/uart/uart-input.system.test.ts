import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { buildFirmware } from "../../firmware/build.ts";
import { emulateUart } from "./emulated-uart.ts";

describe("Input to a guest in stock QEMU", () => {
  let images = "";
  beforeAll(async () => {
    images = join(await buildFirmware(), "mps2-an385");
  });

  test("arrives byte by byte: none of 2,000 single writes is lost", async () => {
    await using guest = await emulateUart(join(images, "echo.elf"));
    await guest.waitFor("ready\n");
    for (let count = 0; count < 2_000; count += 1) {
      const byte = String.fromCharCode(33 + (count % 90));
      const echoed = guest.waitFor(byte);
      await guest.hub.write(Buffer.from(byte));
      await echoed;
    }
    expect(guest.output()).toHaveLength(2_000 + "ready\n".length);
  });

  test("arrives in pieces of 64 bytes: none of 200 writes is lost", async () => {
    await using guest = await emulateUart(join(images, "byte-counter.elf"));
    await guest.waitFor("ready\n");
    await guest.hub.write(Buffer.from(`${200 * 64}\n`));
    for (let count = 0; count < 200; count += 1) await guest.hub.write(Buffer.alloc(64, 48 + (count % 10)));
    await guest.waitFor(`received ${200 * 64} checksum`);
  });

  test("arrives although it was written 300 ms before the guest enables receive", async () => {
    for (let round = 0; round < 5; round += 1) {
      await using guest = await emulateUart(join(images, "late-receive.elf"));
      await guest.waitFor("not listening\n");
      await guest.hub.write(Buffer.from("abc"));
      await guest.waitFor("listening\n");
      await guest.waitFor("3\n");
    }
  });
});
