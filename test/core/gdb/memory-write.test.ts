import fc from "fast-check";
import { expect, test } from "vitest";
import { escapeBytes, GdbDecoder, payloadText } from "../../../src/core/gdb/gdb-packet.ts";
import { splitBinaryWrite } from "../../../src/core/gdb/memory-write.ts";

/** What QEMU's stub takes: with its last byte, 4 KiB. */
const MAX_STUB_PAYLOAD = 4_094;

function binaryWrite(address: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`X${address},${bytes.length.toString(16)}:`), escapeBytes(bytes)]);
}

test("any bytes at any address arrive, in packets that the stub takes", () => {
  const write = fc.record({
    address: fc.bigInt({ min: 0n, max: 2n ** 60n }),
    bytes: fc.uint8Array({ maxLength: 9_000 }),
  });
  fc.assert(
    fc.property(write, ({ address, bytes }) => {
      const frames = splitBinaryWrite(binaryWrite(address.toString(16), bytes)) ?? [];
      let next = address;
      const written: Buffer[] = [];
      for (const element of frames.flatMap((frame) => new GdbDecoder(MAX_STUB_PAYLOAD).decode(frame))) {
        if (element.type !== "packet") throw new Error(element.type);
        const [, at, length, hex = ""] =
          /^M([0-9a-f]+),([0-9a-f]+):([0-9a-f]*)$/.exec(payloadText(element.payload)) ?? [];
        const part = Buffer.from(hex, "hex");
        expect([BigInt(`0x${at}`), Number.parseInt(length ?? "", 16)]).toEqual([next, part.length]);
        next += BigInt(part.length);
        written.push(part);
      }
      expect(Buffer.concat(written).equals(bytes)).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test.each(["", "X", "X:", "X1,1", "Xg,1:a", "X1,2:a", "M1,1:00", `X${"1".repeat(40)},1:a`])("%j is none", (text) => {
  expect(splitBinaryWrite(Buffer.from(text))).toBeUndefined();
});
