import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPython, runTool, SerialLab, ToolInUse } from "./serial-lab.ts";

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
      const args = ["-p", "no:cacheprovider", "--embedded-services", "serial", "--port", url, "test_shell.py"];
      const { code, output } = await runTool(process.env.EMUFARM_TEST_PYTHON ?? "", ["-B", "-m", "pytest", ...args]);
      expect(output).toContain("1 passed");
      expect(code).toBe(0);
    },
  );
});

test("nc talks to the raw port", async () => {
  const { code, output } = await runTool("nc", ["-q", "2", "127.0.0.1", `${serial.port("uart0")}`], "echo by netcat\n");
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
