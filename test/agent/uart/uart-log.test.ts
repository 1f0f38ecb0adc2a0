import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UartLog } from "../../../src/agent/uart/uart-log.ts";
import { temporaryFolder } from "./socket-pair.ts";

async function textOf(log: UartLog, offset = 0): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of log.read(offset)) pieces.push(piece);
  return Buffer.concat(pieces).toString("latin1");
}

describe("The log of a UART", () => {
  test("keeps the first and the last part of any output, with the gap marked", async () => {
    await using folder = await temporaryFolder();
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(25), { maxLength: 20 }), fc.boolean(), async (lengths, isClosed) => {
        count += 1;
        const log = new UartLog({ path: join(folder.path, `log${count}`), partBytes: 10 });
        let output = "";
        for (const length of lengths) {
          const chunk = Array.from({ length }, (_, at) => String.fromCharCode(97 + ((output.length + at) % 26))).join(
            "",
          );
          output += chunk;
          log.append(Buffer.from(chunk));
          log.flush();
        }
        if (isClosed) log.close();
        const gap = output.length - 20;
        const expected =
          gap <= 0 ? output : `${output.slice(0, 10)}\n[emufarm: ${gap} bytes are missing here]\n${output.slice(-10)}`;
        expect(await textOf(log)).toBe(expected);
        expect(log.keptBytes).toBe(Math.min(output.length, 20));
        expect(log.totalBytes).toBe(output.length);
        expect(await textOf(log, Math.max(0, output.length - 5))).toBe(output.slice(-5));
        log.close();
      }),
      { numRuns: 100 },
    );
  });

  test("needs no file for a small output that ends at once", async () => {
    await using folder = await temporaryFolder();
    const log = new UartLog({ path: join(folder.path, "log") });
    log.append(Buffer.from("hello "));
    log.append(Buffer.from("world"));
    log.close();
    expect(existsSync(join(folder.path, "log"))).toBe(false);
    expect(log.inline()?.toString()).toBe("hello world");
    expect(await textOf(log, 6)).toBe("world");
  });

  test("is in the file soon after, whatever becomes of the agent", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "deep", "log");
    const log = new UartLog({ path });
    log.append(Buffer.from("hello"));
    await expect.poll(() => readFile(path, "utf8").catch(() => "")).toBe("hello");
    log.close();
  });

  test("is followed until it is closed", async () => {
    await using folder = await temporaryFolder();
    const log = new UartLog({ path: join(folder.path, "log") });
    log.append(Buffer.from("one "));
    const reading = (async () => {
      let text = "";
      for await (const piece of log.read(0, { follow: true })) {
        text += piece.toString();
        if (text === "one ") log.append(Buffer.from("two"));
        else log.close();
      }
      return text;
    })();
    expect(await reading).toBe("one two");
  });

  test("says once that it cannot be written, and counts on", async () => {
    await using folder = await temporaryFolder();
    const errors: Error[] = [];
    const log = new UartLog({ path: join("/dev/null", "log"), onError: (error) => errors.push(error) });
    for (let chunk = 0; chunk < 3; chunk += 1) log.append(Buffer.alloc(100_000));
    log.close();
    expect(errors).toHaveLength(1);
    expect([log.totalBytes, log.keptBytes]).toEqual([300_000, 0]);
    expect(await textOf(log)).toContain("300000 bytes are missing");
    expect(existsSync(folder.path)).toBe(true);
  });
});
