import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ComPortMessage, encodeComPort, parseComPort } from "../../../src/core/serial/com-port.ts";

const value = fc.nat({ max: 255 });
const message: fc.Arbitrary<ComPortMessage> = fc.oneof(
  fc.record({
    type: fc.constant("signature" as const),
    text: fc.array(value, { maxLength: 80 }).map((codes) => codes.map((code) => String.fromCharCode(code)).join("")),
  }),
  fc.record({ type: fc.constant("baudRate" as const), value: fc.nat({ max: 0xffff_ffff }) }),
  fc.record({ type: fc.constantFrom("suspend" as const, "resume" as const) }),
  fc.record({
    type: fc.constantFrom(
      "dataSize" as const,
      "parity" as const,
      "stopSize" as const,
      "control" as const,
      "lineState" as const,
      "modemState" as const,
      "lineStateMask" as const,
      "modemStateMask" as const,
      "purge" as const,
    ),
    value,
  }),
);
const side = fc.constantFrom("client" as const, "server" as const);

describe("Messages of the COM port option", () => {
  test("come out as they were written, from either side", () => {
    fc.assert(
      fc.property(message, side, (one, from) => {
        expect(parseComPort(encodeComPort(one, from), from)).toEqual(one);
      }),
    );
  });

  test("are those bytes, or nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), side, (bytes, from) => {
        const parsed = parseComPort(bytes, from);
        if (parsed) expect(encodeComPort(parsed, from)).toEqual(bytes);
      }),
    );
  });

  test.each([
    ["a speed", [1, 0, 1, 194, 0], { type: "baudRate", value: 115_200 }],
    ["a line", [5, 11], { type: "control", value: 11 }],
    ["a question for the signature", [0], { type: "signature", text: "" }],
  ])("%s is as the RFC has it", (_, bytes, expected) => {
    expect(parseComPort(Uint8Array.from(bytes), "client")).toEqual(expected);
  });

  test.each([
    ["nothing", []],
    ["a command that nobody knows", [77, 1]],
    ["a speed of three bytes", [1, 0, 1, 194]],
    ["a line without a value", [5]],
    ["a suspension with one", [8, 1]],
  ])("%s is no message", (_, bytes) => {
    expect(parseComPort(Uint8Array.from(bytes), "client")).toBeUndefined();
  });
});
