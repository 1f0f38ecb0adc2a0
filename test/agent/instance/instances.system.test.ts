import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DesiredStateInput, InstanceStatus } from "../../../src/core/wire/desired-state.ts";
import { freePort } from "../../free-port.ts";
import { AgentLab, EventLog, exampleImage, readUntil, sha256Of } from "../attempt/agent-lab.ts";
import { hostFirmware } from "../firmware/firmware-host.ts";

let lab: AgentLab;
let shell: DesiredStateInput;

beforeAll(async () => {
  lab = await AgentLab.start();
  const channels = [{ name: "uart0", tcp: true }];
  shell = await lab.desired("an-instance", await exampleImage("mps2-an385", "shell"), { channels });
});

afterAll(() => lab[Symbol.asyncDispose]());

const isRunning = ({ phase }: InstanceStatus) => phase === "Running";

function onSocket(socket: Socket, text: string): Promise<string> {
  return readUntil(socket as AsyncIterable<Buffer>, text);
}

test("an instance lives as desired: started, talked to by a raw port, reset, paused, off, on again", async () => {
  await lab.client.putDesired(shell);
  const up = await lab.statusWhen("an-instance", ({ isReady }) => isReady);
  expect(up).toMatchObject({ phase: "Running", boots: 1, restarts: 0, generation: 1 });
  expect((await lab.client.info()).freeSlots).toBe(1);
  const port = up.endpoints[0]?.port ?? 0;

  const raw = connect({ port, host: "127.0.0.1" }).resume();
  await readUntil(lab.client.log({ instance: "an-instance" }, "uart0", { isFollowed: true }), "> ");
  raw.write("echo by a raw port\n");
  // Reset and pause only after the guest's last word: either would cut it short.
  const banner = "emufarm shell on mps2-an385\n> ";
  await readUntil(lab.client.log({ instance: "an-instance" }, "uart0", { isFollowed: true }), "by a raw port\n> ");

  await lab.client.putDesired({ ...shell, generation: 2, resetCount: 1 });
  await readUntil(lab.client.log({ instance: "an-instance" }, "uart0", { isFollowed: true }), `> ${banner}`);
  await lab.client.putDesired({ ...shell, generation: 3, resetCount: 1, isPaused: true });
  await lab.statusWhen("an-instance", ({ phase }) => phase === "Paused");
  await lab.client.putDesired({ ...shell, generation: 4, resetCount: 1, power: "Off" });
  await lab.statusWhen("an-instance", ({ phase, isReady }) => phase === "PoweredOff" && isReady);
  expect(await lab.emulators()).toEqual([]);
  await lab.client.putDesired({ ...shell, generation: 5, resetCount: 1 });
  const again = await lab.statusWhen("an-instance", isRunning);
  expect(again).toMatchObject({ boots: 2, endpoints: [{ name: "uart0", port }] });
  // The connection has outlived the emulator.
  const follow = () => lab.client.log({ instance: "an-instance" }, "uart0", { isFollowed: true });
  await readUntil(follow(), `by a raw port\n> ${banner}${banner}`);
  raw.write("echo still open\n");
  await readUntil(follow(), "still open\n");
  expect(raw.destroyed).toBe(false);
  raw.destroy();

  await expect(lab.client.putDesired({ ...shell, generation: 4 })).rejects.toMatchObject({ code: "StaleGeneration" });
  await expect(lab.client.putDesired({ ...shell, generation: 6, epoch: 0 })).rejects.toMatchObject({
    code: "StaleEpoch",
  });
  expect(await lab.client.putDesired({ ...shell, generation: 5, power: "Off" })).toMatchObject({ phase: "Running" });

  await lab.client.deleteInstance("an-instance");
  expect(await lab.client.instances()).toEqual([]);
  expect((await lab.client.info()).freeSlots).toBe(2);
  expect(await lab.emulators()).toEqual([]);
});

test("a guest that ends is started again by its policy, and one that shall not be stays ended over a restart", async () => {
  await lab.client.putDesired({ ...shell, uid: "restarted", restartPolicy: "OnFailure" });
  await lab.client.putDesired({ ...shell, uid: "ended" });
  const console = async (uid: string, text: string) => {
    await readUntil(lab.client.log({ instance: uid }, "uart0", { isFollowed: true }), "> ");
    const socket = await lab.client.openConsole({ instance: uid }, "uart0", () => {});
    socket.send(Buffer.from(text));
    return socket;
  };
  await console("restarted", "exit 3\n");
  await console("ended", "exit 4\n");
  expect(
    await lab.statusWhen("restarted", ({ restarts, phase }) => restarts === 1 && phase === "Running"),
  ).toMatchObject({
    lastExit: { reason: "GuestExited", code: 3 },
  });
  expect(await lab.statusWhen("ended", ({ phase }) => phase === "Failed")).toMatchObject({ isReady: false });

  const [, { endpoints } = { endpoints: [] }] = await lab.client.instances();
  await lab.end("SIGKILL");
  await lab.start();
  expect(await lab.statusWhen("restarted", isRunning)).toMatchObject({ restarts: 1, generation: 1 });
  expect(await lab.statusWhen("ended", (status) => status.endpoints.length > 0)).toMatchObject({
    phase: "Failed",
    boots: 0,
    endpoints,
    lastExit: { code: 4 },
  });
  expect(await lab.emulators()).toHaveLength(1);
  for (const uid of ["restarted", "ended"]) await lab.client.deleteInstance(uid);
});

test("a raw port closes a connection that speaks HTTP; a channel that the board has not is refused", async () => {
  await lab.client.putDesired({ ...shell, uid: "raw" });
  const { endpoints } = await lab.statusWhen("raw", isRunning);
  const browser = connect({ port: endpoints[0]?.port ?? 0, host: "127.0.0.1" }, () => {
    browser.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  });
  await expect(onSocket(browser, "HTTP/1.1")).rejects.toThrow("the stream ended");
  await lab.client.deleteInstance("raw");
  const channels = [{ name: "uart7", tcp: true }];
  await expect(lab.client.putDesired({ ...shell, uid: "raw", channels })).rejects.toMatchObject({
    code: "NotSupportedByBoard",
  });
});

test("a board whose ready pattern never comes runs all the same, and shows what it says", async () => {
  const { board } = shell;
  const boot = { proven: ["spare", "snapshot"] as const, unproven: {} };
  const unready = {
    ...board,
    boot: { ...boot, proven: [...boot.proven] },
    ready: { uart: "uart0", pattern: "never said" },
  };
  await lab.client.putDesired({ ...shell, uid: "unready", board: unready });
  await readUntil(lab.client.log({ instance: "unready" }, "uart0", { isFollowed: true }), "> ");
  expect(await lab.statusWhen("unready", isRunning)).toMatchObject({ boots: 1, isReady: false });
  const socket = await lab.client.openConsole({ instance: "unready" }, "uart0", () => {});
  socket.send(Buffer.from("echo I am here\n"));
  await readUntil(lab.client.log({ instance: "unready" }, "uart0", { isFollowed: true }), "I am here\n> ");
  await lab.client.deleteInstance("unready");
});

test("a follower hears of each instance, why it is not as desired, what firmware it has, and its end", async () => {
  await using log = new EventLog(lab.client);
  const missing = "0".repeat(64);
  await lab.client.putDesired({ ...shell, uid: "heard", firmware: { sha256: missing } });
  const failed = await log.until(
    "instance",
    ({ instance }) => instance.uid === "heard" && instance.error !== undefined,
  );
  expect(failed.instance).toMatchObject({ phase: "Failed", isReady: false, isFirmwareLoaded: false });
  expect(failed.instance.error).toMatchObject({ code: "FirmwareFetchFailed" });

  await lab.client.putDesired({ ...shell, uid: "heard", generation: 2 });
  const ready = await log.until("instance", ({ instance }) => instance.uid === "heard" && instance.isReady);
  expect(ready.instance).toMatchObject({ generation: 2, isFirmwareLoaded: true, firmware: shell.firmware?.sha256 });
  expect(ready.instance).not.toHaveProperty("error");
  await lab.client.deleteInstance("heard");
  await log.until("instanceDeleted", ({ uid }) => uid === "heard");
});

test("firmware whose URL never answers is left for that of a newer wish", async () => {
  const image = await exampleImage("mps2-an385", "hello");
  const asked = Promise.withResolvers<void>();
  await using silent = await hostFirmware(() => asked.resolve());
  await using talking = await hostFirmware((_request, response) => response.end(image));
  const sha256 = sha256Of(image);
  const wish = (generation: number, url: string) => ({
    ...{ ...shell, uid: "fetched", firmware: { sha256 }, urls: { [sha256]: url }, generation },
  });
  await lab.client.putDesired(wish(1, silent.url));
  await asked.promise;
  await lab.client.putDesired(wish(2, talking.url));
  await readUntil(lab.client.log({ instance: "fetched" }, "uart0", { isFollowed: true }), "boot ok");
  expect(await lab.statusWhen("fetched", ({ generation }) => generation === 2)).not.toHaveProperty("error");
  await lab.client.deleteInstance("fetched");
});

test("a raw port is the one that is desired, or the next free one", async () => {
  const port = await freePort();
  const channels = [{ name: "uart0", tcp: true, port }];
  await lab.client.putDesired({ ...shell, uid: "first", channels });
  await lab.client.putDesired({ ...shell, uid: "second", channels });
  expect((await lab.statusWhen("first", isRunning)).endpoints).toEqual([{ name: "uart0", port }]);
  const { endpoints } = await lab.statusWhen("second", isRunning);
  expect(endpoints[0]?.port).not.toBe(port);
  for (const uid of ["first", "second"]) await lab.client.deleteInstance(uid);
});

test("tells when somebody uses a channel, by a raw port or a WebSocket, and when nobody does any more", async () => {
  await lab.client.putDesired({ ...shell, uid: "used" });
  const { endpoints } = await lab.statusWhen("used", ({ isReady, isInUse }) => isReady && isInUse === false);
  const raw = connect({ port: endpoints[0]?.port ?? 0, host: "127.0.0.1" }).resume();
  const begun = await lab.statusWhen("used", ({ isInUse }) => isInUse === true);
  const console = await lab.client.openConsole({ instance: "used" }, "uart0", () => {});
  raw.destroy();
  // The last user counts.
  console.close();
  const over = await lab.statusWhen("used", ({ isInUse }) => isInUse === false);
  expect(Date.parse(over.lastUsedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(begun.lastUsedAt ?? ""));
  const again = await lab.client.openConsole({ instance: "used" }, "uart0", () => {});
  await lab.statusWhen("used", ({ isInUse }) => isInUse === true);
  again.close();
  await lab.statusWhen("used", ({ isInUse }) => isInUse === false);
  await lab.client.deleteInstance("used");
});
