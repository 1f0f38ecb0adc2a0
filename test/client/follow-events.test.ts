import { expect, test } from "vitest";
import { BackOff } from "../../src/client/back-off.ts";
import { followEvents } from "../../src/client/follow-events.ts";

const PAUSES = { firstMs: 1, longestMs: 4 };

test("a stream that breaks is opened again, until the signal aborts", async () => {
  const closing = new AbortController();
  const heard: string[] = [];
  let opened = 0;
  await followEvents({
    async *open() {
      opened += 1;
      yield `event ${opened}`;
      throw new Error(`break ${opened}`);
    },
    onEvent(event) {
      heard.push(event);
      if (opened === 3) closing.abort();
    },
    onBroken: (error) => heard.push((error as Error).message),
    signal: closing.signal,
    backOff: new BackOff(PAUSES),
  });
  expect(heard).toEqual(["event 1", "break 1", "event 2", "break 2", "event 3"]);
});

test("one that cannot be opened is told of, and tried again", async () => {
  const closing = new AbortController();
  const broken: string[] = [];
  await followEvents({
    open: (): AsyncIterable<never> => {
      throw new Error("nobody there");
    },
    onEvent: () => {},
    onBroken(error) {
      broken.push((error as Error).message);
      if (broken.length === 3) closing.abort();
    },
    signal: closing.signal,
    backOff: new BackOff(PAUSES),
  });
  expect(broken).toEqual(["nobody there", "nobody there", "nobody there"]);
});
