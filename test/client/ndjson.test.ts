import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJsonLines } from "../../src/client/ndjson.ts";

async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function parsed(bytes: Buffer, sizes: readonly number[]): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of parseJsonLines(inChunks(bytes, sizes))) values.push(value);
  return values;
}

test("values come out as they went in, however the stream is cut, and empty lines are skipped", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), sizes, async (values, chunkSizes) => {
      const text = values.map((value) => `${JSON.stringify(value)}\n\n`).join("");
      expect(await parsed(Buffer.from(text), chunkSizes)).toEqual(JSON.parse(JSON.stringify(values)));
    }),
  );
});

test("a line that the end of the connection cut off is no value", async () => {
  expect(await parsed(Buffer.from('{"a":1}\n{"b":'), [3])).toEqual([{ a: 1 }]);
});
