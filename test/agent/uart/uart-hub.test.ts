import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createOutputLimit } from "../../../src/agent/uart/output-limit.ts";
import { UartHub, type UartHubOptions } from "../../../src/agent/uart/uart-hub.ts";
import { type UartViewerSink, VIEWER_BACKLOG_BYTES } from "../../../src/agent/uart/uart-viewer.ts";
import type { UartNotice } from "../../../src/core/wire/uart-message.ts";
import { socketPair, temporaryFolder } from "./socket-pair.ts";

/** A viewer that notes what it gets; its connection takes nothing while `backlogBytes` is large. */
class NotingSink implements UartViewerSink {
  readonly label: string;
  backlogBytes = 0;
  text = "";
  bytes = 0;
  readonly notices: UartNotice[] = [];
  isEnded = false;
  readonly #isCounting: boolean;

  constructor(label: string, isCounting = false) {
    this.label = label;
    this.#isCounting = isCounting;
  }

  send(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.#isCounting) this.backlogBytes += chunk.length;
    else this.text += chunk.toString();
  }

  notice(notice: UartNotice): void {
    this.notices.push(notice);
  }

  end(): void {
    this.isEnded = true;
  }
}

async function setup(options: Partial<UartHubOptions> = {}) {
  const folder = await temporaryFolder();
  const hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log"), ...options });
  const { hubEnd, guestEnd } = await socketPair(folder.path);
  let kicks = 0;
  hub.attach(hubEnd, 1, () => {
    kicks += 1;
  });
  const received = async (bytes: number) => expect.poll(() => hub.totalBytes, { timeout: 60_000 }).toBe(bytes);
  return {
    hub,
    guestEnd,
    folder: folder.path,
    kicks: () => kicks,
    received,
    async [Symbol.asyncDispose]() {
      hub.end();
      hubEnd.destroy();
      guestEnd.destroy();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("A UART hub", () => {
  test("hands every byte to the scenario, the log and the viewers, binary or not", async () => {
    await using rig = await setup();
    const { hub, guestEnd, received } = rig;
    const heard: Buffer[] = [];
    hub.onData((chunk) => heard.push(chunk));
    const viewer = new NotingSink("a");
    hub.addViewer(viewer);
    const bytes = Buffer.from([0, 255, 0xc3, 0xa9, 27, 91, 109, 10]);
    guestEnd.write(bytes);
    await received(bytes.length);
    expect(Buffer.concat(heard)).toEqual(bytes);
    expect(viewer.text).toBe(bytes.toString());
    hub.end();
    expect(hub.log.inline()).toEqual(bytes);
    expect(viewer.isEnded).toBe(true);
  });

  test("shows a late viewer the last output first, and says what it missed", async () => {
    await using rig = await setup();
    const { hub, guestEnd, received } = rig;
    guestEnd.write(Buffer.alloc(100_000, "x"));
    guestEnd.write("tail");
    await received(100_004);
    const viewer = new NotingSink("late");
    hub.addViewer(viewer);
    expect(viewer.text).toHaveLength(65_536);
    expect(viewer.text.endsWith("xtail")).toBe(true);
  });

  test("lets one viewer write at a time, and tells the others who", async () => {
    await using rig = await setup();
    const { hub, guestEnd } = rig;
    const [alice, bob] = [new NotingSink("alice"), new NotingSink("bob")];
    const [aliceViewer, bobViewer] = [hub.addViewer(alice), hub.addViewer(bob)];
    let typed = "";
    guestEnd.on("data", (chunk: Buffer) => {
      typed += chunk.toString();
    });
    expect(await aliceViewer.write(Buffer.from("a"))).toBe(true);
    expect(await bobViewer.write(Buffer.from("b"))).toBe(false);
    expect(bob.notices).toEqual([
      { type: "writer", writer: "alice", isYou: false },
      { type: "inputRefused", bytes: 1, reason: "writer" },
    ]);
    bobViewer.takePen();
    expect(alice.notices.at(-1)).toEqual({ type: "writer", writer: "bob", isYou: false });
    expect(await bobViewer.write(Buffer.from("B"))).toBe(true);
    bobViewer[Symbol.dispose]();
    expect(alice.notices.at(-1)).toEqual({ type: "writer", writer: null, isYou: false });
    expect(await aliceViewer.write(Buffer.from("A"))).toBe(true);
    await expect.poll(() => typed).toBe("aBA");
  });

  test("kicks the emulator after a write, and never without one", async () => {
    await using rig = await setup();
    const { hub, guestEnd, kicks, received } = rig;
    guestEnd.write("output");
    await received(6);
    expect(kicks()).toBe(0);
    await hub.write(Buffer.from("x"));
    await expect.poll(kicks).toBeGreaterThan(5);
    expect(hub.kicks).toBe(kicks());
  });

  test("drops and counts bytes of an older boot's socket", async () => {
    await using rig = await setup();
    const { hub, guestEnd, received, folder } = rig;
    guestEnd.write("one");
    await received(3);
    const next = await socketPair(folder, "t");
    const viewer = new NotingSink("a");
    hub.addViewer(viewer);
    hub.attach(next.hubEnd, 2, () => {});
    guestEnd.write("late");
    next.guestEnd.write("two");
    await received(6);
    await expect.poll(() => hub.staleBytes).toBe(4);
    expect(viewer.text).toBe("onetwo");
    expect(viewer.notices).toEqual([{ type: "boot", boot: 2 }]);
    next.guestEnd.destroy();
  });

  test("tells a viewer that does not read of no more refusals than its connection takes", async () => {
    await using rig = await setup();
    rig.hub.end();
    const viewer = new NotingSink("a");
    const { write } = rig.hub.addViewer(viewer);
    expect(await write(Buffer.from("lost"))).toBe(false);
    viewer.backlogBytes = VIEWER_BACKLOG_BYTES + 1;
    expect(await write(Buffer.from("lost too"))).toBe(false);
    expect(viewer.notices.filter(({ type }) => type === "inputRefused")).toHaveLength(1);
  });

  test("tells a viewer that does not read of the one who writes once it reads again, and only of the last one", async () => {
    await using rig = await setup();
    const slow = new NotingSink("slow");
    const viewer = rig.hub.addViewer(slow);
    slow.backlogBytes = VIEWER_BACKLOG_BYTES + 1;
    const [one, two] = [rig.hub.addViewer(new NotingSink("one")), rig.hub.addViewer(new NotingSink("two"))];
    for (let turn = 0; turn < 1_000; turn++) for (const taker of [one, two]) taker.takePen();
    expect(slow.notices).toEqual([]);
    slow.backlogBytes = 0;
    viewer.drained();
    expect(slow.notices).toEqual([{ type: "writer", writer: "two", isYou: false }]);
  });

  test("refuses input without a guest, as a line without a board loses it", async () => {
    await using folder = await temporaryFolder();
    await using hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log") });
    const sink = new NotingSink("a");
    expect(await hub.addViewer(sink).write(Buffer.from("x"))).toBe(false);
    expect(sink.notices).toEqual([{ type: "inputRefused", bytes: 1, reason: "off" }]);
  });

  test("keeps what is typed before a board that comes on by itself is on, in order, also of who has gone", async () => {
    await using folder = await temporaryFolder();
    await using hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log"), awaitsBoot: true });
    const [first, second] = [new NotingSink("a"), new NotingSink("b")];
    const [left, stays] = [hub.addViewer(first), hub.addViewer(second)];
    const written = [left.write(Buffer.from("early ")), left.write(Buffer.from("bird "))];
    left[Symbol.dispose]();
    const last = stays.write(Buffer.from("too"));
    const { hubEnd, guestEnd } = await socketPair(folder.path);
    hub.attach(hubEnd, 1, () => {});
    expect(await Promise.all([...written, last])).toEqual([true, true, true]);
    let heard = "";
    for await (const chunk of guestEnd) {
      heard += String(chunk);
      if (heard.length >= "early bird too".length) break;
    }
    expect(heard).toBe("early bird too");
    expect([...first.notices, ...second.notices].filter(({ type }) => type === "inputRefused")).toEqual([]);
  });

  test("keeps no more than a megabyte for a board that does not come, and refuses it at the end", async () => {
    await using folder = await temporaryFolder();
    const hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log"), awaitsBoot: true });
    const sink = new NotingSink("a");
    const viewer = hub.addViewer(sink);
    const kept = viewer.write(Buffer.alloc(1024 * 1024));
    expect(await viewer.write(Buffer.from("x"))).toBe(false);
    expect(sink.notices).toEqual([{ type: "inputRefused", bytes: 1, reason: "full" }]);
    hub.end();
    expect(await kept).toBe(false);
  });

  test("tells a viewer that is behind the rest of the output when it ends", async () => {
    await using rig = await setup();
    const sink = new NotingSink("slow");
    sink.backlogBytes = 1024 * 1024;
    rig.hub.addViewer(sink);
    rig.guestEnd.write("the last words");
    await expect.poll(() => rig.hub.totalBytes).toBe(14);
    expect(sink.text).toBe("");
    rig.hub.end();
    expect(sink.text).toBe("the last words");
  });

  test("tells who comes to a board that was on, and is off, that it is off", async () => {
    await using rig = await setup();
    const [early, late] = [new NotingSink("early"), new NotingSink("late")];
    rig.hub.addViewer(early);
    rig.guestEnd.destroy();
    await expect.poll(() => early.notices).toEqual([{ type: "off" }]);
    rig.hub.addViewer(late);
    expect(late.notices).toEqual([{ type: "off" }]);
  });

  test("keeps what the scenario writes until the board is on", async () => {
    await using folder = await temporaryFolder();
    await using hub = new UartHub({ name: "uart0", logPath: join(folder.path, "log") });
    const written = hub.write(Buffer.from("early"));
    const { hubEnd, guestEnd } = await socketPair(folder.path);
    hub.attach(hubEnd, 1, () => {});
    await written;
    const [chunk] = await once(guestEnd, "data");
    expect(String(chunk)).toBe("early");
    guestEnd.destroy();
    hubEnd.destroy();
  });

  test("tells once that the guest wrote too much", async () => {
    const told: string[] = [];
    const outputLimit = createOutputLimit({ limitBytes: 10, onExceeded: (uart) => told.push(uart) });
    await using rig = await setup({ outputLimit });
    const { guestEnd, received } = rig;
    guestEnd.write("0123456789");
    await received(10);
    expect(told).toEqual([]);
    guestEnd.write("x");
    await received(11);
    guestEnd.write("y");
    await received(12);
    expect(told).toEqual(["uart0"]);
  });

  test("skips for a slow viewer, says the gap, and goes on when it has caught up", async () => {
    await using rig = await setup();
    const { hub, guestEnd, received } = rig;
    const slow = new NotingSink("slow");
    const viewer = hub.addViewer(slow);
    slow.backlogBytes = VIEWER_BACKLOG_BYTES + 1;
    guestEnd.write(Buffer.alloc(200_000, "x"));
    guestEnd.write("end");
    await received(200_003);
    expect(slow.text).toBe("");
    slow.backlogBytes = 0;
    viewer.drained();
    expect(slow.notices).toEqual([{ type: "gap", bytes: 200_003 - 65_536 }]);
    expect(slow.text).toHaveLength(65_536);
    expect(slow.text.endsWith("xend")).toBe(true);
  });

  test("bears 500 MB with a viewer that never reads, in bounded memory and disk", async () => {
    await using rig = await setup();
    const { hub, guestEnd, received } = rig;
    const never = new NotingSink("never", true);
    hub.addViewer(never);
    const chunk = Buffer.alloc(1_000_000, "flood\n");
    const before = process.memoryUsage().rss;
    let most = 0;
    for (let written = 0; written < 500; written += 1) {
      if (!guestEnd.write(chunk)) await once(guestEnd, "drain");
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    await received(500_000_000);
    expect(never.bytes).toBeLessThanOrEqual(VIEWER_BACKLOG_BYTES + 65_536 * 2);
    expect(hub.log.keptBytes).toBe(16 * 1024 * 1024);
    expect(most).toBeLessThan(150_000_000);
    expect(hub.lastLines(2)).toEqual(["flood", "floo"]);
  });
});
