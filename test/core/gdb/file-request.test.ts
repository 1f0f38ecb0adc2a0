import fc from "fast-check";
import { expect, test } from "vitest";
import { answerFileRequest, consoleWriteOf, readFileRequest } from "../../../src/core/gdb/file-request.ts";

const hex = (value: number) => value.toString(16);
const output = fc.constantFrom(1, 2);
const count = fc.integer({ min: 1, max: 0x7fffffff });
const address = fc.integer({ min: 0, max: 0xffffffff });

test("what a program writes to its console is read from where it lies, a bounded part of it, and taken whole", () => {
  fc.assert(
    fc.property(output, address, count, (fd, at, bytes) => {
      const request = readFileRequest(`Fwrite,${fd},${hex(at)},${hex(bytes)}`);
      expect(request && consoleWriteOf(request)).toEqual({ address: hex(at), bytes: Math.min(bytes, 1_024) });
      expect(request && answerFileRequest(request)).toBe(`F${hex(bytes)}`);
    }),
  );
});

test("no other call reaches memory, and each has an answer that the protocol knows", () => {
  const word = fc.stringMatching(/^[a-z0-9/-]{0,20}$/);
  const call = fc.oneof(
    fc.constantFrom("open", "close", "read", "write", "lseek", "unlink", "stat", "isatty", "system"),
    word,
  );
  fc.assert(
    fc.property(call, fc.array(word, { maxLength: 4 }), (name, args) => {
      const request = readFileRequest(`F${[name, ...args].join(",")}`);
      if (!request) return;
      const write = consoleWriteOf(request);
      if (write)
        expect([request.call, ["1", "2"].includes(hex(Number.parseInt(args[0] ?? "", 16)))]).toEqual(["write", true]);
      expect(answerFileRequest(request)).toMatch(/^F([0-9a-f]+|-1,d)$/);
    }),
  );
});

test("no text of a stub makes the reading throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `F${text}`),
      ),
      (text) => {
        const request = readFileRequest(text);
        if (request) expect(answerFileRequest(request)).toMatch(/^F/);
      },
    ),
  );
});
