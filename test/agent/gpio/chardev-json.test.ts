import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectDriver } from "../../../src/agent/gpio/connect-driver.ts";
import { type DriverEdge, gpioAbilities } from "../../../src/agent/gpio/gpio-driver.ts";
import { GpioLines } from "../../../src/core/gpio/gpio-line.ts";
import { boardGpio } from "../../../src/core/schema/board-gpio.ts";

/** Stands in for the GPIO device of the builds of Espressif's emulator that have one: no released build does. */
let folder: string;
let server: Server;
let device: Socket | undefined;
let said: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pins-"));
  said = "";
  server = createServer((socket) => {
    device = socket;
    socket.on("data", (chunk) => {
      said += chunk;
    });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "pins"), resolve));
});

afterEach(async () => {
  device?.destroy();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function connectTo(properties: readonly string[]) {
  const gpio = boardGpio.parse({
    driver: "chardev-json",
    ports: [{ name: "gpio", prefix: "GPIO", lines: 40, device: "/machine/soc/gpio" }],
  });
  const edges: DriverEdge[] = [];
  const asked: string[] = [];
  const link = await connectDriver({
    gpio,
    lines: new GpioLines("esp32", gpio).all,
    wanted: [],
    uart: undefined,
    abilities: gpioAbilities(gpio, { isFarmEmulator: false }),
    onEdges: (told) => edges.push(...told),
    seat: {
      boardName: "esp32",
      folder,
      isFarmEmulator: false,
      beganNs: 0,
      once: (_key, act) => act(),
      qmp: {
        greeting: undefined,
        closed: Promise.resolve(),
        onEvent: () => () => {},
        async execute(command) {
          asked.push(`${command} after ${said.split("\n").length - 1} lines`);
          return command === "qom-list" ? properties.map((name) => ({ name, type: "str" })) : {};
        },
      },
    },
  });
  const lineOf = (number: number) => {
    const line = new GpioLines("esp32", gpio).at(number);
    if (!line) throw new Error("no line");
    return line;
  };
  return { link, edges, lineOf };
}

test("tells what changes between two messages, in pieces and with garbage between", async () => {
  const { link, edges } = await connectTo(["chardev"]);
  await expect.poll(() => device).toBeDefined();
  device?.write('{"event":"new_out","out":4,"out');
  device?.write(
    '1":0}\r\nnonsense\r\n{"event":"new_out","out":4,"out1":1}\r\n{"event":"new_out","out":0,"out1":1}\r\n',
  );
  await expect.poll(() => edges.map(({ line, level }) => `${line}=${level}`)).toEqual(["2=1", "32=1", "2=0"]);
  link[Symbol.dispose]?.();
});

test("sends all inputs with each line that is driven, one after the other", async () => {
  const { link, lineOf } = await connectTo(["chardev"]);
  await Promise.all([link.drive(lineOf(0), 1), link.drive(lineOf(33), 1)]);
  await link.drive(lineOf(0), 0);
  await expect.poll(() => said.trim().split("\r\n").at(-1)).toBe('{"cmd":"set_input","in":0,"in1":2}');
  expect(said.trim().split("\r\n")).toHaveLength(3);
  link[Symbol.dispose]?.();
});

test("a build that speaks the line protocol instead is understood", async () => {
  const { link, edges, lineOf } = await connectTo(["chardev"]);
  await expect.poll(() => device).toBeDefined();
  device?.write("GPIO 2 1\n");
  await expect.poll(() => edges).toMatchObject([{ line: 2, level: 1 }]);
  await link.drive(lineOf(4), 1);
  await expect.poll(() => said).toBe("SET 4 1\n");
  link[Symbol.dispose]?.();
});

test("a build without it is told in words", async () => {
  await expect(connectTo(["strap_mode"])).rejects.toThrow(
    "Pins for board esp32 cannot be had on this machine: this build of the emulator gives /machine/soc/gpio no property chardev, as no released one does.",
  );
});
