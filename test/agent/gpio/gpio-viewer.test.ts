import { expect, test, vi } from "vitest";
import type { EdgeBatch } from "../../../src/agent/gpio/gpio-edges.ts";
import { type MergedEdges, VIEWER_BACKLOG_BYTES } from "../../../src/agent/gpio/gpio-viewer.ts";
import { PinsStandIn } from "./pins-stand-in.ts";

function viewerOf(pins: PinsStandIn, options: { coalesceMs?: number } = {}) {
  const batches: EdgeBatch[] = [];
  const told: MergedEdges[] = [];
  const sink = {
    backlogBytes: 0,
    isEnded: false,
    edges: (batch: EdgeBatch) => void batches.push(batch),
    merged: (merged: MergedEdges) => void told.push(merged),
    end() {
      this.isEnded = true;
    },
  };
  return { sink, batches, told, viewer: pins.bank.addViewer(sink, options) };
}

test("a viewer that reads gets every edge of 100,000, in order", async () => {
  const pins = new PinsStandIn();
  await pins.start();
  const { batches } = viewerOf(pins);
  for (let round = 0; round < 100; round++) pins.toggle(0, 1_000);
  const levels = batches.flatMap(({ edges }) => edges.map(({ level }) => level));
  expect(levels).toHaveLength(100_000);
  expect(levels.every((level, place) => level === (place % 2 === 0 ? 1 : 0))).toBe(true);
});

test("a viewer that never reads costs nothing, and is told in one what it missed when it reads again", async () => {
  const pins = new PinsStandIn();
  await pins.start();
  const { sink, batches, told, viewer } = viewerOf(pins);
  sink.backlogBytes = VIEWER_BACKLOG_BYTES + 1;
  pins.toggle(0, 100_001);
  pins.toggle(2, 2);
  expect([batches.length, told.length, viewer.merged, pins.bank.counters.merged]).toEqual([0, 0, 100_003, 100_003]);
  viewer.drained();
  expect(told).toHaveLength(0);
  sink.backlogBytes = 0;
  viewer.drained();
  expect(told).toMatchObject([
    {
      reason: "slow",
      edges: 100_003,
      lines: [
        { line: 0, level: 1, edges: 100_001 },
        { line: 2, level: 0, edges: 2 },
      ],
    },
  ]);
  pins.toggle(0, 1);
  expect(batches).toHaveLength(1);
});

test("a viewer that asks for it gets edges merged over a time, counted", async () => {
  vi.useFakeTimers();
  try {
    const pins = new PinsStandIn();
    await pins.start();
    const { batches, told, sink } = viewerOf(pins, { coalesceMs: 50 });
    pins.toggle(0, 7);
    expect(told).toHaveLength(0);
    vi.advanceTimersByTime(50);
    expect(told).toMatchObject([{ reason: "coalesced", edges: 7, lines: [{ line: 0, level: 1, edges: 7 }] }]);
    vi.advanceTimersByTime(200);
    expect([told.length, batches.length]).toEqual([1, 0]);
    pins.toggle(2, 1);
    pins.bank.end();
    expect([told.length, sink.isEnded]).toEqual([2, true]);
  } finally {
    vi.useRealTimers();
  }
});
