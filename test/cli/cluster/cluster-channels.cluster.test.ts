import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GpioMessage, GpioState } from "../../../src/core/wire/gpio.ts";
import { runGdb } from "../../agent/gdb/gdb-lab.ts";
import { describeOnCluster } from "../../cluster/cluster.ts";
import { PROJECT } from "../cli-place.ts";
import { docsCommands } from "../readme-commands.ts";
import { ClusterLab, RawClient } from "./cluster-lab.ts";

const INSTALL_MS = 900_000;
const TEST_MS = 300_000;
const SENSOR = { uart0: 5_000, "uart0-rfc2217": 5_500, gpio: 5_100, qmp: 5_200, gdb: 5_300, monitor: 5_400 };
const DESK = { uart0: 5_000, vnc: 5_900, gdb: 5_300 };
const TOOLS = join(PROJECT, "test/agent/uart/tools");
/** What flash-left tells of an erased flash and of one that it has written to. */
const EMPTY = /^found 4294967295 /m;
const WRITTEN = /^found 305419896 /m;
const python = process.env.EMUFARM_TEST_PYTHON ?? "";

const channels = (ports: object) => Object.keys(ports).map((name) => ({ name, tcp: true }));
const inlined = (file: string) => ({ inline: readFileSync(file).toString("base64") });

describeOnCluster("the channels of boards in a cluster", "disruptive", (cluster) => {
  let lab: ClusterLab;
  /** Address of the Service of `sensor`. */
  let sensor: string;

  beforeAll(async () => {
    lab = await ClusterLab.open(cluster);
    const board = "arm-virt";
    const firmware = inlined(lab.image(board, "flash-left"));
    const storage = { volumeClaimTemplate: { size: "80Mi" } };
    // On when they are needed: their guests never rest.
    await lab.apply("desk", { board, firmware, storage, power: "Off", channels: channels(DESK) });
    await lab.apply("brief", { board, firmware, power: "Off" });
    const tcp = Object.keys(SENSOR).flatMap((name) => ["--tcp", name]);
    const shell = lab.image("microbit", "shell");
    const said = await lab.emufarm("start", "microbit", shell, "--name", "sensor", ...tcp);
    expect(said).toMatch(/^sensor is running on microbit\.$/m);
    for (const name of ["desk", "brief"]) await lab.ready(name);
    sensor = await lab.serviceAddress("sensor");
  }, INSTALL_MS);
  afterAll(() => lab?.[Symbol.asyncDispose](), TEST_MS);

  test("are ports of the Service, and told in status.endpoints", async () => {
    const endpoints = [...Object.entries(SENSOR), ["http", 8_080] as const].map(([name, port]) => ({ name, port }));
    expect((await lab.status("sensor")).endpoints).toEqual(endpoints);
    const ports = JSON.parse(await lab.kubectl("get", "service/sensor", "-o", "jsonpath={.spec.ports}"));
    expect(ports.map(({ name, port }: { name: string; port: number }) => ({ name, port }))).toEqual(endpoints);
    expect(await lab.emufarm("describe", "emu/sensor")).toMatch(/^endpoints +uart0 5000, .*gpio 5100, .*http 8080$/m);
  });

  test("are of the farm that has the board, whatever other farms the cluster has", async () => {
    await using other = await cluster.makeNamespace("other");
    const labels = { "app.kubernetes.io/part-of": "emufarm", "app.kubernetes.io/component": "api" };
    const spec = { ports: [{ port: 80 }], clusterIP: "None" };
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "emufarm-api", labels }, spec };
    await other.kubectl(["apply", "-f", "-"], JSON.stringify(service));
    expect(await lab.emufarm("gpio", "sensor", "list", "PIN0")).toMatch(/^PIN0 +P0\.3 +3 /);
  });

  test("serial: a console, pyserial by socket:// and rfc2217://, and a device of this machine", {
    timeout: TEST_MS,
  }, async () => {
    const use = join(TOOLS, "use_port.py");
    if (python !== "") {
      expect(await lab.tool(python, use, `socket://${sensor}:5000`)).toBe("done\n");
      expect(await lab.tool(python, use, `rfc2217://${sensor}:5500`, "rfc2217")).toBe("done\n");
    }
    const console = lab.start("console", "sensor", "--raw", "--take");
    console.child.stdin.write("echo typed here\n");
    await console.said("typed here\n");
    console.signal("SIGTERM");
    await console.result;
    const device = join(lab.place.folder, "board0");
    const pty = lab.start("console", "sensor", "--pty", device, "--take");
    await pty.said("Ctrl-C ends");
    if (python !== "") expect(await lab.tool(python, use, device)).toBe("done\n");
    pty.signal("SIGINT");
    await pty.result;
  });

  test("power, reset, flash: in the same pod, with consoles open", { timeout: TEST_MS }, async () => {
    const { podName } = await lab.status("sensor");
    using raw = await RawClient.connect(sensor, SENSOR.uart0);
    const console = lab.start("console", "sensor");
    await console.said("> ");
    expect(await lab.emufarm("power", "sensor", "off")).toBe("sensor is off.\n");
    await console.said("the board is off; the console stays");
    expect(await lab.emufarm("power", "sensor", "on")).toBe("sensor is on.\n");
    expect(await lab.emufarm("reset", "sensor")).toBe("sensor was reset.\n");
    const pins = lab.image("microbit", "pins");
    expect(await lab.emufarm("flash", "sensor", pins)).toBe(
      `sensor has ${pins}, ${readFileSync(pins).length} bytes.\n`,
    );
    await console.said("pins\n");
    await raw.says("pins\n");
    console.signal("SIGINT");
    await console.result;
    expect((await lab.status("sensor")).podName).toBe(podName);
  });

  test("gpio: watched, set and pulsed, and the line protocol by the Service", { timeout: TEST_MS }, async () => {
    using uart = await RawClient.connect(sensor, SENSOR.uart0);
    using gpio = await RawClient.connect(sensor, SENSOR.gpio);
    const watch = lab.start("gpio", "sensor", "watch", "PIN0", "--count", "4", "--json");
    await watch.said('"type":"state"');
    uart.send("o 3\nk 3 100 20000\n");
    const { stdout, code } = await watch.result;
    const messages = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as GpioMessage]));
    const edges = messages.flatMap((message) => (message.type === "edges" ? message.edges : []));
    expect({ code, lines: edges.map(({ line }) => line) }).toEqual({ code: 0, lines: Array(4).fill("PIN0") });
    await gpio.says("GPIO 3 1\nGPIO 3 0\n");
    await uart.says("k 1");
    expect(await lab.emufarm("gpio", "sensor", "set", "BUTTON_B", "0")).toBe("BUTTON_B (P0.26, 26) is driven low\n");
    uart.send("r 26\n");
    await uart.says("r 0");
    gpio.send("SET 26 1\n");
    const listed = async () =>
      JSON.parse(await lab.emufarm("gpio", "sensor", "list", "BUTTON_B", "--json")) as GpioState;
    await expect.poll(async () => (await listed()).lines).toMatchObject([{ line: "BUTTON_B", driven: 1 }]);
    expect(await lab.completions("gpio", "se")).toEqual(["sensor"]);
    expect(await lab.completions("gpio", "sensor", "set", "BUT")).toEqual(["BUTTON_A", "BUTTON_B"]);
    uart.send("d 17\n");
    await uart.says("d 1");
    expect(await lab.emufarm("gpio", "sensor", "pulse", "BUTTON_A", "--duration", "2s")).toContain(
      "is driven low for 2s",
    );
    await uart.says("p 1");
    uart.send("\n");
  });

  test("qmp, properties and the monitor", { timeout: TEST_MS }, async () => {
    const status = JSON.parse(await lab.emufarm("qmp", "sensor", "query-status"));
    expect(status).toMatchObject({ status: "running" });
    expect(await lab.refused("qmp", "sensor", "quit")).toContain("CommandNotFound");
    expect(await lab.emufarm("monitor", "sensor", "info", "status")).toContain("VM status: running");
    expect(await lab.emufarm("prop", "sensor", "get", "/machine", "type")).toBe("microbit-machine\n");
    using monitor = await RawClient.connect(sensor, SENSOR.monitor);
    monitor.send("info status\n");
    await monitor.says("VM status: running");
    using qmp = await RawClient.connect(sensor, SENSOR.qmp);
    qmp.send('{"execute": "qmp_capabilities"}\n{"execute": "query-name", "id": 7}\n');
    await qmp.says('"id":7');
  });

  test("storage: pulled, on a volume for the next pod, and lost without one", { timeout: TEST_MS }, async () => {
    for (const name of ["desk", "brief"]) {
      await lab.emufarm("power", name, "on");
      await lab.logged(name, EMPTY);
    }
    const file = join(lab.place.folder, "flash.bin");
    await lab.emufarm("pull", "desk", "flash", file);
    const flash = readFileSync(file);
    expect([flash.length, flash.readUInt32LE(0)]).toEqual([64 * 1024 * 1024, 0x12345678]);
    expect((await lab.status("desk")).storage).toBe("Persistent");
    expect((await lab.status("brief")).storage).toBe("Ephemeral");
    await Promise.all([lab.replacePod("desk"), lab.replacePod("brief")]);
    await lab.logged("desk", WRITTEN);
    await lab.logged("brief", EMPTY);
    await lab.emufarm("delete", "brief");
  });

  test("a display, as a picture and by VNC", { timeout: TEST_MS }, async () => {
    await lab.emufarm("flash", "desk", lab.image("arm-virt", "picture"));
    await lab.logged("desk", /drawn/);
    const file = join(lab.place.folder, "now.png");
    await lab.emufarm("screen", "desk", "-o", file);
    const { width, height } = PNG.sync.read(readFileSync(file));
    expect([width, height]).toEqual([320, 200]);
    using viewer = await RawClient.connect(await lab.serviceAddress("desk"), DESK.vnc);
    await viewer.says("RFB 003.008\n");
    const offer = lab.start("vnc", "desk", "--listen", "tcp:0");
    await offer.said("Ctrl-C ends");
    const [, port = "0"] = / at tcp:127\.0\.0\.1:(\d+)/.exec(offer.stderr) ?? [];
    using other = await RawClient.connect("127.0.0.1", Number(port));
    await other.says("RFB 003.008\n");
    offer.signal("SIGINT");
    await offer.result;
  });

  test("gdb: with the firmware's own symbols, and by the Service", { timeout: TEST_MS }, async () => {
    const elf = lab.image("arm-virt", "debugged");
    await lab.emufarm("flash", "desk", elf);
    const halted = ["monitor reset halt", "break main", "continue"];
    const script = [...halted, "backtrace", "info registers pc", "detach"];
    const commands = ["-batch", "-nx", ...["set confirm off", ...script].flatMap((one) => ["-ex", one])];
    const own = await lab.emufarm("gdb", "desk", "--", ...commands);
    expect(own).toMatch(/Breakpoint 1, main \(\)/);
    expect(own).toMatch(/^pc .*<main/m);
    expect(await lab.emufarm("gdb", "desk", "--", "-batch", "-ex", "backtrace", "-ex", "detach")).toContain("#0 ");
    const address = await lab.serviceAddress("desk");
    const other = await runGdb(elf, `${address}:${DESK.gdb}`, script);
    expect(other).toMatch(/Breakpoint 1, main \(\)/);
    expect(other).toContain("detached");
    const launch = JSON.parse(await lab.emufarm("gdb", "desk", "--vscode", "--symbols", elf));
    expect(launch.configurations[0].debugServerArgs).toContain(`--namespace ${lab.farm.boards.name}`);
  });

  test("qmp, gdb and monitor are on nodes' addresses only for whoever wants that", { timeout: TEST_MS }, async () => {
    const spec = { board: "microbit", power: "Off", expose: "NodePort", channels: channels({ uart0: 0, gdb: 0 }) };
    const refusal = "raw ports of qmp, gdb and monitor on NodePort need access.unauthenticated: true";
    await expect(lab.apply("open", spec)).rejects.toThrow(refusal);
    const file = join(lab.place.folder, "open.json");
    const object = { apiVersion: "emufarm.dev/v1alpha1", kind: "EmulatorInstance", metadata: { name: "open" }, spec };
    writeFileSync(file, JSON.stringify(object));
    expect(await lab.refused("apply", "-f", file)).toContain(refusal);
    await lab.apply("open", { ...spec, access: { unauthenticated: true } });
    await lab.ready("open");
    const { endpoints } = await lab.status("open");
    const nodePort = endpoints.find(({ name }) => name === "uart0")?.nodePort ?? 0;
    expect(endpoints.find(({ name }) => name === "gdb")?.nodePort).toBeGreaterThan(30_000);
    const node = await lab.kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}");
    using _uart = await RawClient.connect(node, nodePort);
    await lab.emufarm("delete", "open");
  });

  test.each([
    [["gpio", "sensr"], "There is no job or instance emu/sensr in namespace boards-", "Did you mean emu/sensor?"],
    [["gpio", "desk"], "GPIO is not supported by board arm-virt", "none of its pins can be reached"],
    [["gpio", "sensor", "set", "BUTON_A", "1"], "Board microbit has no pin BUTON_A", "Did you mean BUTTON_A"],
    [["console", "sensor", "uart7"], "There is no UART uart7 of board microbit", "uart0"],
    [["screen", "sensor", "-o", "x.png"], "microbit", "display"],
    [["pull", "desk", "sd", "-"], "There is no storage sd", "this board has flash"],
    [["gpio", "sensor", "--context", "elsewhere"], "No cluster is chosen", "elsewhere"],
    [["start", "microbit", "--tcp", "vnc", "--name", "odd"], "vnc", "uart0"],
  ])("%j says what is wrong", { timeout: TEST_MS }, async (args, ...words) => {
    const said = await lab.refused(...args);
    for (const word of words) expect(said).toContain(word);
  });

  test("what docs/channels.md says of the way from one's machine was done here", () => {
    const told = docsCommands("channels.md", "### From your machine");
    expect(told.length).toBeGreaterThan(10);
    const undone = told
      .map((words) => words.join(" ").replace(" -n lab", ""))
      .filter((line) => !lab.ran.some((words) => `${words.join(" ")} `.startsWith(`${line} `)));
    expect(undone).toEqual([]);
  });

  test("an instance that goes tells each channel why", { timeout: TEST_MS }, async () => {
    const ports = ["uart0", "uart0-rfc2217", "gpio", "qmp", "gdb", "monitor"] as const;
    const raw = await Promise.all(ports.map((name) => RawClient.connect(sensor, SENSOR[name])));
    const [uart] = raw;
    const commands = [
      ["console", "sensor", "--no-replay"],
      ["gpio", "sensor", "watch"],
      ["qmp", "sensor"],
    ].map((args) => lab.start(...args));
    const offer = lab.start("gdb", "sensor", "--port", "0");
    await offer.said("waiting for a debugger");
    await lab.emufarm("delete", "sensor");
    for (const command of commands) {
      const { stdout, stderr } = await command.result;
      expect(`${stdout}${stderr}`).toContain("its pod ends: the instance was deleted");
    }
    for (const one of raw) await expect.poll(() => one.hasEnded, { timeout: TEST_MS }).toBe(true);
    expect(uart?.text).toContain("[emufarm: its pod ends: the instance was deleted");
    offer.signal("SIGINT");
    await offer.result;
  });
});
