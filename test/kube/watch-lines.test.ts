import fc from "fast-check";
import { expect, test } from "vitest";
import { parseWatch } from "../../src/kube/watch-lines.ts";
import { configMap } from "./fake-api-server.ts";

/** An async iterable of the text, cut at these places. */
async function* inChunks(text: string, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index += 1) yield bytes.subarray(places[index - 1], places[index]);
}

const event = fc.record({
  type: fc.constantFrom("ADDED", "MODIFIED", "DELETED", "BOOKMARK"),
  object: fc
    .record({ name: fc.string(), v: fc.string({ unit: "grapheme" }) })
    .map(({ name, v }) => configMap(name, 1, { v })),
});

test("events come out as they went in, however they are cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), async (events, cuts) => {
      const text = events.map((one) => `${JSON.stringify(one)}\n`).join("");
      const parsed: unknown[] = [];
      for await (const one of parseWatch(inChunks(text, cuts))) parsed.push(one);
      expect(parsed).toEqual(events);
    }),
  );
});

test.each([
  ["no JSON", "{\n"],
  ["no event", "[]\n"],
  ["null", "null\n"],
  ["an event without an object", '{"type":"ADDED"}\n'],
  ["an object without a version", '{"type":"ADDED","object":{"metadata":{}}}\n'],
  ["an event of another world", '{"type":"SUSPENDED","object":{"metadata":{"resourceVersion":"1"}}}\n'],
  ["half a line at its end", '{"type":"ADDED","object":'],
])("a stream with %s cannot be read", async (_name, text) => {
  await expect(parseWatch(inChunks(text, [])).next()).rejects.toMatchObject({ reason: "Unparsable" });
});

test("what the server says in the stream is its refusal", async () => {
  const status = { code: 410, reason: "Expired", message: "too old", details: { retryAfterSeconds: 2 } };
  const line = `${JSON.stringify({ type: "ERROR", object: status })}\n`;
  const refused = { status: 410, reason: "Expired", message: "too old", retryAfterMs: 2_000 };
  await expect(parseWatch(inChunks(line, [])).next()).rejects.toMatchObject(refused);
});
