import fc from "fast-check";
import { expect, test } from "vitest";
import { answerFileRequest, consoleWriteOf, readFileRequest } from "../../../src/core/gdb/file-request.ts";
import { hexOf } from "../../../src/core/gdb/gdb-packet.ts";
import { readGdbRequest } from "../../../src/core/gdb/gdb-request.ts";

const typeOf = (text: string) => readGdbRequest(Buffer.from(text)).type;

test.for([
  ["g", "forward"],
  ["X2000,2:ab", "write"],
  ["m2000,40", "read"],
  ["m123456789012345,40", "forward"],
  ["Z0,1ec,2", "forward"],
  ["vCont?", "forward"],
  ["qXfer:features:read:target.xml:0,ffb", "forward"],
  ["qSupported:multiprocess+", "features"],
  ["vCont;s:1;c", "resume"],
  ["c", "resume"],
  ["k", "kill"],
  ["vKill;1", "kill"],
  ["QStartNoAckMode", "noAcknowledgement"],
  // Files of the emulator's host, programs on it, and all that is not known.
  ["vFile:open:2f6574632f706173737764,0,0", "answer"],
  ["vFile:setfs:0", "answer"],
  ["vRun;2f62696e2f7368", "answer"],
  ["qXfer:exec-file:read:1:0,ff", "answer"],
  ["qXfer:auxv:read::0,ff", "answer"],
  ["F0", "answer"],
  ["qSomethingNew", "answer"],
  ["", "answer"],
] as const)("%s is for: %s", ([text, type]) => {
  expect(typeOf(text)).toBe(type);
});

test.for([
  ["g", true],
  ["p19", true],
  ["qfThreadInfo", true],
  ["G00", false],
  ["P1=00", false],
  ["M2000,1:00", false],
  ["Z0,1ec,2", false],
  ["Hgp1.2", false],
  ["Qqemu.sstep=1", false],
] as const)("%s only asks: %s", ([text, onlyAsks]) => {
  expect(readGdbRequest(Buffer.from(text))).toEqual({ type: "forward", onlyAsks });
});

test("a line of monitor is read by us and never reaches the stub", () => {
  const line = hexOf(Buffer.from("info registers"));
  expect(readGdbRequest(Buffer.from(`qRcmd,${line}`))).toEqual({ type: "monitor", command: "info registers" });
  expect(typeOf("qRcmd,zz")).toBe("answer");
  expect(typeOf(`qRcmd,${"61".repeat(5_000)}`)).toBe("answer");
});

test("no bytes of a debugger make the reading throw", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readGdbRequest(bytes)));
});

test("semihosting through a debugger gets its console, and no file of anybody's machine", () => {
  const write = readFileRequest("Fwrite,2,2000000c,5");
  expect(write && consoleWriteOf(write)).toEqual({ address: "2000000c", bytes: 5 });
  expect(write && answerFileRequest(write)).toBe("F5");
  for (const call of ["Fopen,2000/b,0,0", "Fsystem,2000/8", "Funlink,2000/8", "Fread,3,2000,10", "Fwrite,3,2000,10"]) {
    const request = readFileRequest(call);
    expect(request && answerFileRequest(request)).toBe("F-1,d");
    expect(request && consoleWriteOf(request)).toBeUndefined();
  }
  expect(readFileRequest("F")).toBeUndefined();
});
