import fc from "fast-check";
import { expect, test } from "vitest";
import {
  bytesOfHex,
  escapeBytes,
  framePayload,
  GdbDecoder,
  type GdbElement,
  GdbPacketTooLarge,
  hexOf,
  unescapeBytes,
} from "../../../src/core/gdb/gdb-packet.ts";

const LIMIT = 4096;
const payload = fc.uint8Array({ maxLength: 64 }).map(escapeBytes);

/** The same bytes in any pieces. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((one, other) => one - other);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

function decodeAll(chunks: readonly Uint8Array[]): GdbElement[] {
  const decoder = new GdbDecoder(LIMIT);
  return chunks.flatMap((chunk) => decoder.decode(chunk));
}

test("packets come out as they went in, whatever the chunks are", () => {
  const stream = fc.tuple(fc.array(payload, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }));
  fc.assert(
    fc.property(stream, ([payloads, cuts]) => {
      const bytes = Buffer.concat(payloads.map(framePayload));
      const packets = decodeAll(pieces(bytes, cuts)).filter((element) => element.type === "packet");
      expect(packets.map((packet) => [...packet.payload])).toEqual(payloads.map((one) => [...one]));
      expect(Buffer.concat(packets.map(({ frame }) => frame))).toEqual(bytes);
    }),
  );
});

test("garbage of any kind never throws, and a packet after it is found", () => {
  const garbage = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(garbage, payload, fc.array(fc.nat(), { maxLength: 6 }), (noise, after, cuts) => {
      // What began as a packet ends with it: `#00` closes whatever was open.
      const bytes = Buffer.concat([noise, Buffer.from("#00"), framePayload(after)]);
      const elements = decodeAll(pieces(bytes, cuts));
      expect(elements.at(-1)).toMatchObject({ type: "packet" });
    }),
  );
});

test("escaping takes every byte there and back", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...unescapeBytes(escapeBytes(bytes))]).toEqual([...bytes]);
      expect([...(bytesOfHex(hexOf(bytes)) ?? [])]).toEqual([...bytes]);
    }),
  );
});

test("acknowledgements, Ctrl-C and broken packets are told apart; other bytes are counted", () => {
  const decoder = new GdbDecoder(LIMIT);
  const elements = decoder.decode(Buffer.from("+-\x03abc$OK#9a$OK#9b"));
  expect(elements.map(({ type }) => type)).toEqual(["ack", "nak", "break", "packet", "broken"]);
  expect(decoder.ignoredBytes).toBe(3);
});

test("a packet of 10 MB is refused as soon as it is too long, not when it is whole", () => {
  const decoder = new GdbDecoder(LIMIT);
  const part = Buffer.alloc(1024, "a");
  decoder.decode(Buffer.from("$"));
  for (let bytes = 0; bytes < LIMIT; bytes += part.length) decoder.decode(part);
  expect(() => decoder.decode(part)).toThrow(GdbPacketTooLarge);
});
