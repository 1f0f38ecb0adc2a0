import { monitorRefusal } from "../../../src/agent/monitor/hmp-allow-list.ts";
import { MonitorLines } from "../../../src/agent/monitor/monitor-lines.ts";
import { JsonSplitter } from "../../../src/agent/qmp/json-splitter.ts";
import { QmpProxy } from "../../../src/agent/qmp/qmp-proxy.ts";
import { readRequest } from "../../../src/agent/qmp/qmp-request.ts";
import { answerFileRequest, consoleWriteOf, readFileRequest } from "../../../src/core/gdb/file-request.ts";
import { GdbDecoder, GdbPacketTooLarge, payloadText } from "../../../src/core/gdb/gdb-packet.ts";
import { readGdbRequest } from "../../../src/core/gdb/gdb-request.ts";
import { PinLineDecoder } from "../../../src/core/gpio/line-protocol.ts";
import { ComPortServer } from "../../../src/core/serial/com-port-server.ts";
import { readFrontEndCommand } from "../../../src/core/wire/front-end.ts";
import { gpioRequest } from "../../../src/core/wire/gpio.ts";
import { readUartRequest } from "../../../src/core/wire/uart-message.ts";
import type { Codec } from "../codec.ts";

const QMP_LIMITS = { maxBytes: 4_096, maxDepth: 20 };
const MAX_PACKET_BYTES = 1_024;

/** Requests of QMP clients. Nothing is read behind one that is too large: its client is let go. */
const qmp: Codec = {
  name: "qmp",
  isStream: true,
  refusals: [],
  read(pieces) {
    const splitter = new JsonSplitter(QMP_LIMITS);
    const read: unknown[] = [];
    for (const piece of pieces) {
      for (const found of splitter.split(piece)) {
        read.push(readRequest(found));
        if ("problem" in found && found.problem === "tooLarge") return read;
      }
    }
    return read;
  },
};

/** Commands that no spelling of a client's may bring to an emulator. */
const FORBIDDEN = ["quit", "migrate", "object-add", "chardev-add", "blockdev-add", "dump-guest-memory", "screendump"];

/** A whole session of QMP: what its emulator is asked, and that nothing in it is left to fail alone. */
const qmpSession: Codec = {
  name: "qmp-session",
  isStream: false,
  refusals: [],
  async read(pieces) {
    const asked: string[] = [];
    const session = {
      greeting: undefined,
      onEvent: () => () => {},
      execute: async (command: string) => {
        asked.push(command);
        return command === "qom-list" ? [{ name: "x", type: "int" }] : {};
      },
    };
    using proxy = new QmpProxy();
    proxy.plug({ session, boot: 1, spoil() {} });
    const client = proxy.connect({ bufferedBytes: 0, send: JSON.parse, setPaused() {}, close() {} });
    for (const piece of pieces) client.receive(piece);
    await new Promise((resolve) => setImmediate(resolve));
    const reached = asked.filter((command) => FORBIDDEN.includes(command));
    if (reached.length > 0) throw new Error(`${reached.join(", ")} reached the emulator`);
    return asked.length;
  },
};

/** RFC 2217, with the answers that go back. */
const rfc2217: Codec = {
  name: "rfc2217",
  isStream: true,
  refusals: [],
  read(pieces) {
    const events: unknown[] = [];
    const input: number[] = [];
    const server = new ComPortServer({
      signature: "emufarm",
      events: {
        send: (bytes) => events.push({ sent: [...bytes] }),
        onInput: (bytes) => input.push(...bytes),
        onLines: (lines) => events.push({ lines, at: input.length }),
        onPurge: (purge) => events.push({ purge, at: input.length }),
        onSuspended: (isSuspended) => events.push({ isSuspended }),
      },
    });
    server.open();
    server.setBoard(true);
    for (const piece of pieces) server.receive(piece);
    server.hangUp();
    return { events, input, malformed: server.malformed, settings: server.settings, lines: server.lines };
  },
};

/** A debugger's packets. */
const gdb: Codec = {
  name: "gdb",
  isStream: true,
  refusals: [GdbPacketTooLarge],
  read(pieces) {
    const decoder = new GdbDecoder(MAX_PACKET_BYTES);
    const elements = [...pieces].flatMap((piece) => decoder.decode(piece));
    return { elements: elements.map(meaningOf), ignoredBytes: decoder.ignoredBytes };
  },
};

function meaningOf(element: ReturnType<GdbDecoder["decode"]>[number]): unknown {
  if (element.type !== "packet") return element;
  const file = readFileRequest(payloadText(element.payload));
  return {
    payload: payloadText(element.payload),
    request: readGdbRequest(element.payload),
    file: file && [consoleWriteOf(file), answerFileRequest(file)],
  };
}

/** What is sent to pins. */
const pinLines: Codec = {
  name: "pin-lines",
  isStream: true,
  refusals: [],
  read(pieces) {
    const decoders = [new PinLineDecoder("SET"), new PinLineDecoder("GPIO")];
    const lines: unknown[] = [];
    for (const piece of pieces) for (const decoder of decoders) lines.push(...decoder.decode(piece));
    return { lines: lines.length, ignored: decoders.map(({ ignoredLines }) => ignoredLines) };
  },
};

/** JSON messages of WebSockets: pins, front ends. */
const messages: Codec = {
  name: "messages",
  isStream: false,
  refusals: [SyntaxError],
  read([bytes]) {
    const text = String(bytes);
    return [readFrontEndCommand(text), gpioRequest.safeParse(JSON.parse(text))];
  },
};

/** Text messages of consoles. */
const consoleMessages: Codec = {
  name: "console-messages",
  isStream: false,
  refusals: [],
  read: ([bytes]) => readUartRequest(String(bytes)),
};

/** What only looks has none of these: they would end a line, or name a file. */
const NOT_FOR_LOOKING = /["'\\;\n\r]/;

/** Lines of people at the monitor, with what becomes of each. */
const monitorLines: Codec = {
  name: "monitor-lines",
  isStream: true,
  refusals: [],
  read(pieces) {
    const reader = new MonitorLines();
    const lines = [...pieces].flatMap((piece) => reader.read(piece));
    const refusals = lines.map(monitorRefusal);
    const slipped = lines.find((line, at) => refusals[at] === undefined && NOT_FOR_LOOKING.test(line.trim()));
    if (slipped !== undefined) throw new Error(`${JSON.stringify(slipped)} is taken for one that only looks`);
    return { lines, refusals, isTooLong: reader.isTooLong };
  },
};

export const toolCodecs: readonly Codec[] = [
  qmp,
  qmpSession,
  rfc2217,
  gdb,
  pinLines,
  messages,
  consoleMessages,
  monitorLines,
];
