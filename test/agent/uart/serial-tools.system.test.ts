import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTemporaryFolder } from "../../api/store/temporary-folder.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { readUntil } from "../attempt/agent-lab.ts";
import { runPython, runTool, SerialLab, startShell, ToolInUse } from "./serial-lab.ts";

let serial: SerialLab;

beforeAll(async () => {
  serial = await SerialLab.start();
});

afterAll(() => serial[Symbol.asyncDispose]());

describe.runIf(process.env.EMUFARM_TEST_PYTHON)("Python's tools", () => {
  test("pyserial sets a port, moves its lines, resets the board by them and sends a break, by rfc2217://", async () => {
    const url = `rfc2217://127.0.0.1:${serial.port("uart0-rfc2217")}`;
    expect(await runPython("use_port.py", url, "rfc2217")).toMatchObject({ code: 0, output: "done\n" });
  });

  test("pyserial talks to the raw port by socket://", async () => {
    const url = `socket://127.0.0.1:${serial.port("uart0")}`;
    expect(await runPython("use_port.py", url)).toMatchObject({ code: 0, output: "done\n" });
  });

  test.each(["rfc2217://127.0.0.1:uart0-rfc2217", "socket://127.0.0.1:uart0"])(
    "pytest-embedded runs a test at %s",
    async (place) => {
      const url = place.replace(/uart0.*$/, (channel) => String(serial.port(channel)));
      await using logs = await createTemporaryFolder();
      const folders = ["--root-logdir", logs.path, "--cache-dir", logs.path];
      const args = ["-p", "no:cacheprovider", "--embedded-services", "serial", ...folders, "--port", url];
      const pytest = ["-B", "-m", "pytest", ...args, "test_shell.py"];
      const { code, output } = await runTool(process.env.EMUFARM_TEST_PYTHON ?? "", pytest);
      expect(output).toContain("1 passed");
      expect(code).toBe(0);
    },
  );
});

test("nc talks to the raw port", async () => {
  const { code, output } = await runTool(
    "nc",
    ["-q", "10", "127.0.0.1", `${serial.port("uart0")}`],
    "echo by netcat\n",
  );
  expect(code).toBe(0);
  expect(output).toContain("by netcat");
});

test("gensiot, in C, sets a port, talks and sends a break by RFC 2217", async () => {
  const place = `telnet(rfc2217=true),tcp,127.0.0.1,${serial.port("uart0-rfc2217")}`;
  // Ctrl-\ is for gensiot itself: d tells of the port, s sets its speed, B sends a break, q ends.
  await using tool = new ToolInUse("gensiot", ["-e", "28", "-i", "stdio(self)", place]);
  await tool.says("> ");
  tool.type("echo by gensiot\n");
  await tool.says("by gensiot");
  tool.type("\x1cd");
  await tool.says("Signature: emufarm uart0");
  tool.type("\x1cs57600\r\x1cd");
  await tool.says("Speed: 57600N81");
  tool.type("\x1cBecho after a break\n");
  await tool.says("after a break");
  tool.type("\x1cq");
  expect(await tool.ended).toBe(0);
});

test("a break reaches the guest's UART, by RFC 2217 and from a console, once for each", async () => {
  const firmware = await readFile(join(await buildFirmware(), "riscv32-virt", "break-seen.elf"));
  const { status } = await startShell(serial.lab, "breaks", "riscv32-virt", { firmware });
  const log = () => serial.lab.client.log({ instance: "breaks" }, "uart0", { isFollowed: true });
  await readUntil(log(), "listening\n");
  const console = await serial.lab.client.openConsole({ instance: "breaks" }, "uart0", () => {});
  console.send(JSON.stringify({ type: "break" }));
  await readUntil(log(), "listening\na break\n");
  console.terminate();
  const port = status.endpoints.find(({ name }) => name === "uart0-rfc2217")?.port ?? 0;
  const telnet = connect({ port, host: "127.0.0.1" }).resume();
  telnet.write(Uint8Array.of(255, 243));
  await readUntil(log(), "listening\na break\na break\n");
  telnet.write("x");
  await readUntil(log(), "listening\na break\na break\na byte\n");
  telnet.destroy();
  await serial.lab.client.deleteInstance("breaks");
});
