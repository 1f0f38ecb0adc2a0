import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePinLine, type LineVerb, type PinLine, PinLineDecoder } from "../../../src/core/gpio/line-protocol.ts";

const line = fc.record<PinLine>({
  pin: fc.integer({ min: 0, max: 999_999 }),
  level: fc.constantFrom<0 | 1>(0, 1),
});
const verb = fc.constantFrom<LineVerb>("GPIO", "SET");

/** Lines that are none, whatever stands around them: no line feed within, no line of the protocol. */
const garbage = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom("GPIO 1 2", "GPIO 1", "SET  4 1", "gpio 4 1", "GPIO 4 1 ", "SET -1 0", "GPIO 1234567 1")
      .map(Buffer.from),
  )
  .filter((bytes) => !bytes.includes(0x0a) && !/^(GPIO|SET) \d{1,6} [01]\r?$/.test(bytes.toString("latin1")));

function inChunks(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let start = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(start, start + size));
    start += size;
  }
  return [...chunks, bytes.subarray(start)];
}

describe("the GPIO line protocol", () => {
  it("is written byte for byte as guests and tools know it", () => {
    expect(encodePinLine("GPIO", 17, 1)).toBe("GPIO 17 1\n");
    expect(encodePinLine("SET", 4, 0)).toBe("SET 4 0\n");
  });

  it("comes back as it was written, in any chunks, with any garbage between", () => {
    const part = fc.oneof(line, garbage);
    fc.assert(
      fc.property(verb, fc.array(part, { maxLength: 30 }), fc.array(fc.nat(12)), (ofVerb, parts, sizes) => {
        const bytes = Buffer.concat(
          parts.map((one) =>
            "pin" in one
              ? Buffer.from(encodePinLine(ofVerb, one.pin, one.level))
              : Buffer.concat([one, Buffer.from("\n")]),
          ),
        );
        const decoder = new PinLineDecoder(ofVerb);
        const decoded = inChunks(bytes, sizes).flatMap((chunk) => decoder.decode(chunk));
        expect(decoded).toEqual(parts.filter((one) => "pin" in one));
        expect(decoder.ignoredLines).toBe(parts.filter((one) => !("pin" in one)).length);
      }),
    );
  });

  it.each([
    ["GPIO 17 1\r\n", [{ pin: 17, level: 1 }], 0],
    ["GPIO 007 0\n", [{ pin: 7, level: 0 }], 0],
    ["GPIO 17 1", [], 0],
    ["\n", [], 1],
    ["GPIO 17 1\r\r\n", [], 1],
    ["GPIO 17\n1\n", [], 2],
    [" GPIO 17 1\n", [], 1],
    ["SET 17 1\n", [], 1],
    ["GPIO 17 10\n", [], 1],
    ["GPIO  1\n", [], 1],
    ["GPIO 17 1\nGPI", [{ pin: 17, level: 1 }], 0],
  ])("reads %j as %j and ignores %i lines", (text, lines, ignored) => {
    const decoder = new PinLineDecoder("GPIO");
    expect(decoder.decode(Buffer.from(text))).toEqual(lines);
    expect(decoder.ignoredLines).toBe(ignored);
  });

  it("gets over a line of 1 MB, and counts it once", () => {
    const decoder = new PinLineDecoder("SET");
    expect(decoder.decode(Buffer.alloc(1024 * 1024, "x"))).toEqual([]);
    expect(decoder.decode(Buffer.from("\nSET 3 1\n"))).toEqual([{ pin: 3, level: 1 }]);
    expect(decoder.ignoredLines).toBe(1);
  });
});
