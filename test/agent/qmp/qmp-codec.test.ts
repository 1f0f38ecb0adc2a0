import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeCommand, QmpDecoder } from "../../../src/agent/qmp/qmp-codec.ts";
import { QmpTransportError } from "../../../src/agent/qmp/qmp-transport-error.ts";

const messages = fc.array(
  fc.oneof(
    fc.record({ return: fc.jsonValue(), id: fc.integer() }),
    fc.record({ error: fc.record({ class: fc.string(), desc: fc.string({ unit: "grapheme" }) }), id: fc.integer() }),
    fc.record({
      event: fc.string({ minLength: 1, unit: "grapheme" }),
      data: fc.dictionary(fc.string(), fc.jsonValue()),
      timestamp: fc.record({ seconds: fc.nat(), microseconds: fc.nat(999_999) }),
    }),
  ),
  { minLength: 1, maxLength: 8 },
);

test("messages come out the same in whatever chunks they arrive", () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(64), { minLength: 1 }), fc.constantFrom("\n", "\r\n"), (sent, sizes, end) => {
      const bytes = Buffer.from(sent.map((message) => JSON.stringify(message) + end).join(""));
      const whole = new QmpDecoder().decode(bytes);
      const inChunks = new QmpDecoder();
      const received = [];
      for (let start = 0, turn = 0; start < bytes.length; turn++) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0);
        received.push(...inChunks.decode(bytes.subarray(start, start + size)));
        start += size;
      }
      expect(received).toEqual(whole);
      expect(received).toHaveLength(sent.length);
    }),
  );
});

test("a command is one line that an emulator reads back as it was", () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), (command, args, id) => {
      const line = encodeCommand(command, args, id);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      const expected = JSON.parse(JSON.stringify({ execute: command, arguments: args, id }));
      expect(JSON.parse(line)).toEqual(expected);
    }),
  );
});

test("each kind of message is told apart", () => {
  const greeting = '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}\n';
  const event = '{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}}\n';
  const answer = '{"return": {}, "id": 3}\n';
  const failure = '{"error": {"class": "CommandNotFound", "desc": "no such"}, "id": 4}\n';
  expect(new QmpDecoder().decode(Buffer.from(greeting + event + answer + failure))).toEqual([
    { type: "greeting", greeting: { version: { qemu: { major: 7 } }, capabilities: ["oob"] } },
    { type: "event", event: { event: "STOP", data: {}, timestamp: { seconds: 1, microseconds: 2 } } },
    { type: "return", id: 3, value: {} },
    { type: "error", id: 4, class: "CommandNotFound", description: "no such" },
  ]);
});

test.each([
  ["what is not JSON", "hello\n", "malformed"],
  ["JSON that is no message of QMP", '{"hello": 1}\n', "malformed"],
  ["a list", "[]\n", "malformed"],
  ["JSON that is nested without end", `${"[".repeat(200_000)}\n`, "malformed"],
])("%s is refused", (_, bytes, problem) => {
  expect(() => new QmpDecoder().decode(Buffer.from(bytes))).toThrow(expect.objectContaining({ problem }));
});

test("a message without end is refused at the limit, not collected", () => {
  const decoder = new QmpDecoder(1_000);
  decoder.decode(Buffer.alloc(900, "x"));
  expect(() => decoder.decode(Buffer.alloc(200, "x"))).toThrow(QmpTransportError);
});
