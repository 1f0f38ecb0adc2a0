import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  COMMAND,
  encodeNegotiation,
  encodeSubnegotiation,
  escapeCommands,
  OPTION,
  type TelnetVerb,
} from "../../../src/core/serial/telnet.ts";
import { LONGEST_SUBNEGOTIATION_BYTES, TelnetDecoder } from "../../../src/core/serial/telnet-decoder.ts";

type Piece =
  | { readonly data: readonly number[] }
  | { readonly verb: TelnetVerb; readonly option: number }
  | { readonly sub: number; readonly bytes: readonly number[] }
  | { readonly command: number }
  | "malformed";

/** What a stream is made of, data that follows data joined: pieces of it may come in any number. */
function decode(chunks: readonly Uint8Array[]): Piece[] {
  const pieces: Piece[] = [];
  const decoder = new TelnetDecoder({
    onData(bytes) {
      const last = pieces.at(-1);
      if (typeof last === "object" && "data" in last) pieces[pieces.length - 1] = { data: [...last.data, ...bytes] };
      else pieces.push({ data: [...bytes] });
    },
    onNegotiation: (verb, option) => pieces.push({ verb, option }),
    onSubnegotiation: (sub, bytes) => pieces.push({ sub, bytes: [...bytes] }),
    onCommand: (command) => pieces.push({ command }),
    onMalformed: () => pieces.push("malformed"),
  });
  for (const chunk of chunks) decoder.decode(chunk);
  return pieces;
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

const byte = fc.nat({ max: 255 });
const bytes = fc.array(byte, { maxLength: 40 });
const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 20 });
const verb = fc.constantFrom<TelnetVerb>("WILL", "WONT", "DO", "DONT");
/** Commands without a parameter, and none that means something of its own here. */
const plainCommand = fc.integer({ min: 241, max: 249 });
const piece = fc.oneof(
  bytes.filter((data) => data.length > 0).map((data): Piece => ({ data })),
  fc.record({ verb, option: byte }),
  fc.record({ sub: byte, bytes }),
  fc.record({ command: plainCommand }),
);
/** Much that looks like Telnet. */
const garbage = fc.array(fc.oneof(byte, fc.constantFrom(255, 255, 250, 240, 251, 253, 44, 5)), { maxLength: 300 });

function encode(one: Piece): Uint8Array {
  if (one === "malformed") return Uint8Array.of(COMMAND.interpretAsCommand, COMMAND.endOfSubnegotiation);
  if ("data" in one) return escapeCommands(Uint8Array.from(one.data));
  if ("verb" in one) return encodeNegotiation(one.verb, one.option);
  if ("sub" in one) return encodeSubnegotiation(one.sub, Uint8Array.from(one.bytes));
  return Uint8Array.of(COMMAND.interpretAsCommand, one.command);
}

const join = (parts: readonly Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));

describe("A Telnet stream", () => {
  test("comes out as it was written, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), cuts, (pieces, places) => {
        const whole = join(pieces.map(encode));
        const joined = decode([join(pieces.map(encode))]);
        expect(decode(cut(whole, places))).toEqual(joined);
        const apart = pieces.flatMap((one) => decode([encode(one)]));
        expect(joined.flatMap(flat)).toEqual(apart.flatMap(flat));
      }),
    );
  });

  test("that is garbage means the same in any pieces, and what comes after its last end is understood", () => {
    fc.assert(
      fc.property(garbage, cuts, (noise, places) => {
        const whole = Uint8Array.from(noise);
        expect(decode(cut(whole, places))).toEqual(decode([whole]));
        // Whatever was begun, these end it.
        const end = Uint8Array.of(0, 255, 240, 0, 255, 240);
        const after = decode([whole, end, encodeNegotiation("DO", OPTION.comPort), Uint8Array.of(65)]);
        expect(after.at(-2)).toEqual({ verb: "DO", option: OPTION.comPort });
        expect(after.at(-1)).toEqual({ data: [65] });
      }),
    );
  });

  test("without a command is passed on as it is, without a copy", () => {
    const chunk = Uint8Array.from({ length: 1_000 }, (_, index) => index % 255);
    const seen: Uint8Array[] = [];
    const nothing = () => {};
    const decoder = new TelnetDecoder({
      onData: (data) => seen.push(data),
      onNegotiation: nothing,
      onSubnegotiation: nothing,
      onCommand: nothing,
      onMalformed: nothing,
    });
    decoder.decode(chunk);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.buffer).toBe(chunk.buffer);
    expect(escapeCommands(chunk)).toBe(chunk);
  });

  test("whose subnegotiation never ends keeps no more than a kilobyte of it, and is understood again after it", () => {
    const opening = Uint8Array.of(255, 250, 44, 0);
    const flood = new Uint8Array(LONGEST_SUBNEGOTIATION_BYTES * 100).fill(65);
    const end = Uint8Array.of(255, 240, 66);
    expect(decode([opening, flood, end])).toEqual(["malformed", { data: [66] }]);
  });

  test("whose subnegotiation another command breaks off loses that one alone", () => {
    const broken = Uint8Array.of(255, 250, 44, 1, 0, 255, 253, 44, 67);
    expect(decode([broken])).toEqual(["malformed", { verb: "DO", option: 44 }, { data: [67] }]);
    expect(decode([Uint8Array.of(255, 250, 44, 1, 255, 250, 44, 9, 255, 240)])).toEqual([
      "malformed",
      { sub: 44, bytes: [9] },
    ]);
  });

  test("that ends what never began says so", () => {
    expect(decode([Uint8Array.of(65, 255, 240, 66)])).toEqual([{ data: [65] }, "malformed", { data: [66] }]);
  });
});

/** Data of any length byte by byte, so that how it was joined does not matter. */
function flat(one: Piece): Piece[] {
  return typeof one === "object" && "data" in one ? one.data.map((value) => ({ data: [value] })) : [one];
}
