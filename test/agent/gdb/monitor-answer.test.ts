import { expect, test } from "vitest";
import { answerMonitor } from "../../../src/agent/gdb/monitor-answer.ts";

/** Commands that got through. */
function emulator() {
  const asked: string[] = [];
  const execute = async (command: string, args?: Readonly<Record<string, unknown>>) => {
    asked.push(String(args?.["command-line"] ?? command));
    return "an answer\r\n";
  };
  return { asked, parts: { qmp: { execute }, canReset: true } };
}

test.for(["info registers", " info  mtree -f", "x /4xw 0x20000000", "p $sp"])("monitor %s is asked", async (line) => {
  const { asked, parts } = emulator();
  expect(await answerMonitor(line, parts)).toBe("an answer\n");
  expect(asked).toHaveLength(1);
});

test.for([
  "quit",
  "q",
  "migrate exec:sh",
  "info migrate",
  "info usbhost",
  "gdbserver tcp::1",
  "screendump /tmp/x",
  "pmemsave 0 1 /tmp/x",
  "chardev-add file,id=a,path=/tmp/x",
  "logfile /tmp/x",
  "x /4xw 0; quit",
  "o /bin/sh",
])("monitor %s is refused, and the emulator hears nothing of it", async (line) => {
  const { asked, parts } = emulator();
  await expect(answerMonitor(line, parts)).rejects.toMatchObject({ code: "MonitorCommandRefused" });
  expect(asked).toEqual([]);
});

test("resets go by the names that other probes have for them, where the emulator can reset the CPU", async () => {
  const { asked, parts } = emulator();
  for (const line of ["reset", "reset halt", "system_reset"]) expect(await answerMonitor(line, parts)).toMatch(/reset/);
  expect(asked).toEqual(["system_reset", "system_reset", "system_reset"]);
  expect(await answerMonitor("reset", { ...parts, canReset: false })).toMatch(/emufarm reset/);
  expect(asked).toHaveLength(3);
});
