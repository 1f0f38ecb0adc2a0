import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFrontEndCommand } from "../../../src/core/wire/front-end.ts";

const TYPES = ["start_instance", "stop_instance", "load_firmware", "set_pin_state", "send_serial_bytes"];

const pin = fc.oneof(fc.nat(), fc.string({ minLength: 1, maxLength: 64 }));
const command = fc.oneof(
  fc.constant({ type: "stop_instance" }),
  fc.record({ type: fc.constant("start_instance"), board: fc.string() }),
  fc.record({ type: fc.constant("load_firmware"), firmware: fc.base64String() }),
  fc.record({ type: fc.constant("set_pin_state"), pin, state: fc.constantFrom(0, 1) }),
  fc.record({
    type: fc.constant("send_serial_bytes"),
    bytes: fc.array(fc.integer({ min: 0, max: 255 })),
    uart: fc.integer({ min: 0, max: 15 }),
  }),
);

describe("commands of front ends", () => {
  it("come back as they were sent, with their fields in data or beside the type", () => {
    fc.assert(
      fc.property(command, fc.boolean(), ({ type, ...fields }, isNested) => {
        const message = isNested ? { type, data: fields } : { type, ...fields };
        expect(readFrontEndCommand(JSON.stringify(message))).toEqual({ type, ...fields });
      }),
    );
  });

  it("are refused in words, whatever else comes", () => {
    const almost = fc.record({ type: fc.constantFrom(...TYPES), data: fc.jsonValue() });
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      almost.map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (message) => {
        const read = readFrontEndCommand(message);
        expect([...TYPES, "bad"]).toContain(read.type);
        if (read.type === "bad") expect(read.problem).toMatch(/\S/);
      }),
    );
  });

  it("take true and false for levels", () => {
    const text = '{"type":"set_pin_state","data":{"pin":"LED","state":true}}';
    expect(readFrontEndCommand(text)).toEqual({ type: "set_pin_state", pin: "LED", state: 1 });
  });
});
