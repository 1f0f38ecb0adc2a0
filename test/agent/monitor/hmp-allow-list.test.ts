import { describe, expect, test } from "vitest";
import { monitorRefusal } from "../../../src/agent/monitor/hmp-allow-list.ts";

describe("what looks is taken", () => {
  test.each([
    "info registers",
    "  info   registers -a ",
    "info mtree -f",
    "info status",
    "x /16xw 0x20000000",
    "x/8i $pc",
    "xp /4xb 0x1000+4*2",
    "p $sp",
    "print /x $r0",
    "help",
    "info",
    "",
  ])("%j", (line) => {
    expect(monitorRefusal(line)).toBeUndefined();
  });
});

describe("everything else is refused", () => {
  test.each([
    "quit",
    "q",
    "system_reset",
    "migrate exec:id",
    'migrate "exec:cat /etc/passwd"',
    "pmemsave 0 100 /tmp/x",
    "memsave 0 100 x",
    "screendump /tmp/x",
    "dump-guest-memory /tmp/x",
    "chardev-add file,id=x,path=/tmp/x",
    "drive_add 0 file=/etc/passwd",
    "object_add secret,id=s,file=/etc/passwd",
    "netdev_add user,id=n",
    "hostfwd_add tcp::22-:22",
    "logfile /tmp/x",
    "log all",
    "savevm x",
    "gdbserver tcp::1234",
    "info registers\nquit",
    "info registers;quit",
    "info registers | sh",
    "info migrate; quit",
    "info nothing-known",
    "info history",
    "i registers",
    "x /99999999xw 0",
    "x /5000xw 0",
    "x /1x/quit 0",
    "xp '/etc/passwd'",
    "o /b 0x10 1",
    "QUIT",
    "INFO registers",
    `info registers ${"a".repeat(300)}`,
  ])("%j", (line) => {
    expect(monitorRefusal(line)).toBeTypeOf("string");
  });
});
