import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";
import type { AttemptResult } from "../../../src/core/wire/attempt.ts";
import type { InstanceStatus } from "../../../src/core/wire/desired-state.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { AgentLab, boardSpecOf, EventLog, readUntil, sha256Of } from "../attempt/agent-lab.ts";

const BOARDS = ["arm-virt", "q35", "raspi2b", "raspi3b"];
const WHITE = [255, 255, 255];
const [WIDTH, HEIGHT] = [320, 200];

let lab: AgentLab;
let firmware: string;

beforeAll(async () => {
  firmware = await buildFirmware();
  lab = await AgentLab.start();
});

afterAll(() => lab[Symbol.asyncDispose]());

const imageOf = (board: string) => readFile(join(firmware, board, "picture.elf"));

/** The red, green and blue of a point. */
function pointOf(png: PNG, x: number, y: number): number[] {
  return [...png.data.subarray((y * png.width + x) * 4).subarray(0, 3)];
}

/** What the firmware shows, with its square so far to the right. */
function drawnPicture(square: number): Buffer {
  const png = new PNG({ width: WIDTH, height: HEIGHT });
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) {
    const [x, y] = [at % WIDTH, Math.floor(at / WIDTH)];
    const bar = Math.floor(x / 40);
    const isSquare = y < 40 && x >= square && x < square + 40;
    const colour = isSquare
      ? 0xffffff
      : (bar & 1 ? 0xff : 0) | (bar & 2 ? 0xff00 : 0) | (bar & 4 ? 0xff0000 : 0x400000);
    png.data.writeUInt32BE(colour * 256 + 255, at * 4);
  }
  return PNG.sync.write(png);
}

async function artifactOf(id: string, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of lab.client.artifact(id, name)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

let count = 0;

async function resultOf(board: string, steps: readonly unknown[]): Promise<{ id: string; result: AttemptResult }> {
  count += 1;
  const id = `display-${count}.1`;
  await using events = new EventLog(lab.client);
  const scenario = { version: 1, steps } as never;
  await lab.client.putAttempt(id, await lab.specOf(await imageOf(board), { scenario, timeout: "2m" }, board));
  return { id, result: await events.resultOf(id) };
}

const compareWith = (square: number) => ({ name: "expected.png", base64: drawnPicture(square).toString("base64") });

test("every board with a display is among those of this test", () => {
  const named = readBoards().filter(({ spec }) => spec.display !== undefined);
  expect(named.map(({ metadata }) => metadata.name).sort()).toEqual(BOARDS);
});

describe.each(BOARDS)("%s", (board) => {
  test("shows in a scenario what its guest draws, and the picture is kept", async () => {
    const { id, result } = await resultOf(board, [
      { "wait-serial": "drawn" },
      { "take-screenshot": { "save-to": "screens/first.png", "compare-with": compareWith(0) }, timeout: "30s" },
      { "write-serial": "x" },
      { "take-screenshot": { "compare-with": compareWith(40) }, timeout: "30s" },
    ]);
    expect(result).toMatchObject({ verdict: "passed" });
    expect(result.artifacts?.[0]).toMatchObject({ name: "screens/first.png", mediaType: "image/png" });
    const kept = PNG.sync.read(await artifactOf(id, "screens/first.png"));
    expect([kept.width, kept.height]).toEqual([WIDTH, HEIGHT]);
    expect(pointOf(kept, 10, 10)).toEqual(WHITE);
    expect(pointOf(kept, 100, 100)).toEqual([0x40, 0xff, 0]);
  });
});

test("a picture that is not as expected fails with numbers, and what differs is kept", async () => {
  const { id, result } = await resultOf("arm-virt", [
    { "wait-serial": "drawn" },
    { "take-screenshot": { "save-to": "screen.png", "compare-with": compareWith(80), tolerance: 0.01 } },
  ]);
  expect(result.verdict).toBe("failed");
  expect(result.error?.code).toBe("ExpectationNotMet");
  expect(result.error?.message).toMatch(/points differ, 5\.00 % \(tolerance 1 %\)/);
  const names = ["screen.png", "screen.expected.png", "screen.difference.png"];
  expect(result.artifacts?.map(({ name }) => name)).toEqual(names);
  const difference = PNG.sync.read(await artifactOf(id, "screen.difference.png"));
  expect(pointOf(difference, 10, 10)).toEqual([255, 0, 0]);
  await lab.client.acknowledge([id]);
  await expect(artifactOf(id, "screen.png")).rejects.toMatchObject({ code: "NotFound" });
});

test("a tolerance lets a part of the picture differ", async () => {
  const { result } = await resultOf("arm-virt", [
    { "wait-serial": "drawn" },
    { "take-screenshot": { "compare-with": compareWith(80), tolerance: 0.1 } },
  ]);
  expect(result.verdict).toBe("passed");
  expect(result.artifacts).toBeUndefined();
});

test.each([
  ["a board without a display", "mps2-an385", {}, "it has no display"],
  ["a picture that was left at home", "q35", { "compare-with": "expected.png" }, "has not come with the scenario"],
  ["a part of a diagram", "q35", { "part-id": "lcd1" }, "no part lcd1"],
])("%s is refused before the start", async (_, board, step, words) => {
  const scenario = { version: 1, steps: [{ "take-screenshot": step }] } as never;
  const spec = {
    tenant: "test",
    boardName: board,
    board: await boardSpecOf(board),
    firmware: { sha256: sha256Of(Buffer.from("")) },
  };
  const putting = lab.client.putAttempt("refused-1.1", { ...spec, scenario });
  await expect(putting).rejects.toThrow(expect.objectContaining({ message: expect.stringContaining(words) }));
});

describe("an instance", () => {
  let status: InstanceStatus;

  beforeAll(async () => {
    const image = await imageOf("arm-virt");
    const channels = [{ name: "vnc", tcp: true }];
    await lab.client.putDesired(await lab.desired("screen", image, { channels }, "arm-virt"));
    status = await lab.statusWhen("screen", ({ isReady }) => isReady);
    await readUntil(lab.client.log({ instance: "screen" }, "uart0", { isFollowed: true }), "drawn");
  });

  const vncPort = () => status.endpoints.find(({ name }) => name === "vnc")?.port ?? 0;

  const screen = async () => {
    const chunks: Buffer[] = [];
    const channels = lab.client.channels({ instance: "screen" });
    for await (const chunk of channels.bytes({ method: "GET", path: "screen" })) chunks.push(chunk);
    return PNG.sync.read(Buffer.concat(chunks));
  };

  test("shows its screen over HTTP", async () => {
    const png = await screen();
    expect([png.width, png.height]).toEqual([WIDTH, HEIGHT]);
    expect(pointOf(png, 300, 100)).toEqual(WHITE);
  });

  test("speaks VNC on its raw port, to several at a time", async () => {
    const port = vncPort();
    const viewers = [0, 1].map(() => connect({ host: "127.0.0.1", port }));
    for (const viewer of viewers) expect(String((await once(viewer, "data"))[0])).toBe("RFB 003.008\n");
    for (const viewer of viewers) viewer.destroy();
  });

  test("speaks VNC over a WebSocket", async () => {
    const first = Promise.withResolvers<Buffer>();
    const channels = lab.client.channels({ instance: "screen" });
    const socket = await channels.openWebSocket("vnc", (data) => first.resolve(data));
    expect((await first.promise).toString()).toBe("RFB 003.008\n");
    socket.terminate();
  });

  test.runIf(process.env.EMUFARM_TEST_PYTHON)("is seen by a VNC client of other people", async () => {
    const port = vncPort();
    const look = `
import asyncio, asyncvnc, sys
async def main(port):
    async with asyncvnc.connect("127.0.0.1", port) as client:
        pixels = await client.screenshot()
        print(pixels.shape[1], pixels.shape[0], *pixels[100, 100][:3], *pixels[10, 10][:3])
asyncio.run(main(int(sys.argv[1])))
`;
    const run = promisify(execFile);
    const { stdout } = await run(process.env.EMUFARM_TEST_PYTHON ?? "", ["-c", look, String(port)]);
    expect(stdout.trim()).toBe("320 200 64 255 0 255 255 255");
  });

  test("closes what speaks HTTP to its raw port", async () => {
    const viewer = connect({ host: "127.0.0.1", port: vncPort() }).resume();
    // The kernel may call it a reset.
    viewer.on("error", () => {});
    const closed = once(viewer, "close");
    viewer.write("GET / HTTP/1.1\r\n\r\n");
    await closed;
  });

  /** Last: it is gone afterwards. */
  test("lets go of whoever looks on, by whatever way, when it is deleted, and of a debugger with a reason", async () => {
    const channels = lab.client.channels({ instance: "screen" });
    const raw = connect({ host: "127.0.0.1", port: vncPort() });
    await once(raw, "data");
    const ended = once(raw.resume(), "close");
    const closings = ["vnc", "gdb"].map(async (path) => {
      let said = "";
      const socket = await channels.openWebSocket(path, (data) => (said += data.toString("latin1")));
      if (path === "gdb") socket.send(Buffer.from(framePayload("?")));
      await expect.poll(() => said).toContain(path === "gdb" ? "$T05" : "RFB 003.008");
      return { closed: once(socket, "close") as Promise<[number, Buffer]> };
    });
    const open = await Promise.all(closings);
    await lab.client.deleteInstance("screen");
    await ended;
    const told = await Promise.all(open.map(({ closed }) => closed));
    expect(told.map(([code, reason]) => [code, reason.toString()])).toEqual([
      [1000, "the guest has ended"],
      [1000, "the guest has ended"],
    ]);
  });
});
