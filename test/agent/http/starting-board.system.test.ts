import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { framePayload } from "../../../src/core/gdb/gdb-packet.ts";
import { boardSpecOf, ENDLESS, readUntil, sha256Of } from "../attempt/agent-lab.ts";
import { shareAgent } from "../attempt/shared-agent.ts";
import { hostFirmware } from "../firmware/firmware-host.ts";
import { debuggedImage } from "../gdb/gdb-lab.ts";

const BOARD = "mps2-an385";

const agent = shareAgent("starting");

/** An attempt that stands at its first instruction once its firmware is here, which `deliver` sees to. */
async function startSlowly({ paused = true } = {}) {
  const image = await readFile(await debuggedImage(BOARD));
  // Firmware that no other test has brought here.
  const bytes = Buffer.concat([image, Buffer.from(agent.nextId())]);
  const { promise: delivery, resolve: deliver } = Promise.withResolvers<void>();
  const host = await hostFirmware((_request, response) => void delivery.then(() => response.end(bytes)));
  const sha256 = sha256Of(bytes);
  const id = await agent.put({
    ...{ tenant: "test", boardName: BOARD, board: await boardSpecOf(BOARD), ...ENDLESS, paused },
    ...{ firmware: { sha256 }, urls: { [sha256]: host.url } },
  });
  return { id, channels: agent.lab.client.channels({ attempt: id }), deliver, host, bytes };
}

test("a debugger that comes before the firmware finds the CPU at its first instruction", async () => {
  const { id, channels, deliver, host } = await startSlowly();
  await using _host = host;
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  let said = "";
  const gdb = await channels.openWebSocket("gdb", (data) => {
    said += data.toString("latin1");
    if (said.includes("$T05")) resolve();
  });
  gdb.send(framePayload("?"));
  deliver();
  await stopped;
  // Goes on, without a debugger.
  gdb.send(framePayload("D;1"));
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "debugged\n");
  gdb.close();
});

test("what is asked of a board before its firmware is here is answered when it is on", async () => {
  const { channels, deliver, host, bytes } = await startSlowly();
  await using _host = host;
  const { promise: answered, resolve } = Promise.withResolvers<string>();
  const qmp = await channels.openWebSocket("qmp", (data) => {
    if (data.includes('"id"')) resolve(data.toString());
  });
  qmp.send('{"execute": "qmp_capabilities"} {"execute": "query-status", "id": 1}');
  const asked = Promise.all([
    channels.request({ method: "POST", path: "monitor", body: { command: "info status" } }),
    channels.request({ method: "GET", path: "properties?path=/machine&name=type" }),
    Array.fromAsync(channels.bytes({ method: "GET", path: "firmware" })),
    answered,
  ]);
  deliver();
  const answers = await asked;
  expect(Buffer.concat(answers[2])).toEqual(bytes);
  expect(answers).toMatchObject([
    { output: expect.stringContaining("paused") },
    { value: `${BOARD}-machine` },
    expect.anything(),
    expect.stringContaining('"running":false'),
  ]);
  qmp.close();
});

test("what is typed before the firmware is here is the guest's", async () => {
  const { id, channels, deliver, host } = await startSlowly({ paused: false });
  await using _host = host;
  const console = await channels.openWebSocket("uarts/uart0", () => {});
  console.send(Buffer.from("x"));
  deliver();
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "debugged\n1\n");
  console.close();
});

test("a wish that comes before the firmware is about the board that will be", async () => {
  const { id, channels, deliver, host } = await startSlowly();
  await using _host = host;
  const control = (action: string) => channels.request({ method: "POST", path: "control", body: { action } });
  const wishes = Promise.all([control("powerOn"), control("resume")]);
  deliver();
  await wishes;
  await readUntil(agent.lab.client.log({ attempt: id }, "uart0", { isFollowed: true }), "debugged\n");
});

test("a debugger of an attempt that ends before its firmware came is told so", async () => {
  const { id, channels, host } = await startSlowly();
  await using _host = host;
  const gdb = await channels.openWebSocket("gdb", () => {});
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  gdb.once("close", (_code, reason) => resolve(reason.toString()));
  await agent.lab.client.cancelAttempt(id, "no longer wanted");
  expect(await ended).toMatch(/^The board is off|^the board is no longer there/);
});
