import type { Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { UartHub } from "./uart-hub.ts";

/** A line that does not end is cut: whoever reads the log reads lines. */
const LONGEST_LINE = 4_096;
/** Control characters but tabs: a log is for reading. */
const UNPRINTABLE = /[^\P{Cc}\t]/gu;

/**
 * Copies the output of a UART, from now on, to a stream: line by line, each with the UART's name in front. A stream
 * that is behind misses some of it, and says so; the UART waits for nobody.
 */
export function copyConsole(hub: UartHub, output: Writable): Disposable {
  const decoder = new StringDecoder("utf8");
  let rest = "";

  function write(line: string): void {
    output.write(`${hub.name}: ${line.replace(UNPRINTABLE, "")}\n`);
  }

  function flush(): void {
    if (rest !== "") write(rest);
    rest = "";
  }

  const viewer = hub.addViewer(
    {
      label: "log",
      get backlogBytes() {
        return output.writableLength;
      },
      send(chunk) {
        const lines = (rest + decoder.write(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) write(line);
        if (rest.length > LONGEST_LINE) flush();
      },
      notice(notice) {
        if (notice.type !== "gap") return;
        flush();
        output.write(`${hub.name}: [${notice.bytes} bytes are missing here: the log could not follow]\n`);
      },
      end: flush,
    },
    { isReplayed: false },
  );
  const onDrain = () => viewer.drained();
  output.on("drain", onDrain);
  return {
    [Symbol.dispose]() {
      output.off("drain", onDrain);
      flush();
      viewer[Symbol.dispose]();
    },
  };
}
