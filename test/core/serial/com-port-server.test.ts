import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONTROL, type ComPortMessage, encodeComPort, MODEM, parseComPort } from "../../../src/core/serial/com-port.ts";
import { ComPortServer, type ControlLines } from "../../../src/core/serial/com-port-server.ts";
import {
  encodeNegotiation,
  encodeSubnegotiation,
  escapeCommands,
  OPTION,
  type TelnetVerb,
} from "../../../src/core/serial/telnet.ts";
import { TelnetDecoder } from "../../../src/core/serial/telnet-decoder.ts";

type Heard = { readonly verb: TelnetVerb; readonly option: number } | ComPortMessage;

/** A server and what a client sees of it. */
function session() {
  const heard: Heard[] = [];
  const input: number[] = [];
  const lines: ControlLines[] = [];
  const other: unknown[] = [];
  let sentBytes = 0;
  const client = new TelnetDecoder({
    onData: (bytes) => other.push({ data: [...bytes] }),
    onNegotiation: (verb, option) => heard.push({ verb, option }),
    onSubnegotiation: (_, bytes) => heard.push(parseComPort(bytes, "server") as ComPortMessage),
    onCommand: (command) => other.push({ command }),
    onMalformed: () => other.push("malformed"),
  });
  const server = new ComPortServer({
    signature: "emufarm uart0",
    events: {
      send(bytes) {
        sentBytes += bytes.length;
        client.decode(bytes);
      },
      onInput: (bytes) => input.push(...bytes),
      onLines: (now) => lines.push(now),
      onPurge: (what) => other.push(what),
      onSuspended: (isSuspended) => other.push({ isSuspended }),
    },
  });
  const ask = (message: ComPortMessage) => {
    heard.length = 0;
    server.receive(encodeSubnegotiation(OPTION.comPort, encodeComPort(message, "client")));
    return heard.at(0);
  };
  return { server, heard, input, lines, other, ask, sent: () => sentBytes };
}

/** A session whose client has said what it can. */
function agreed() {
  const one = session();
  one.server.receive(encodeNegotiation("WILL", OPTION.comPort));
  one.heard.length = 0;
  return one;
}

describe("The server's side of RFC 2217", () => {
  test("offers what makes a plain Telnet client send each key, and agrees to the COM port when asked", () => {
    const { server, heard } = session();
    server.open();
    expect(heard).toEqual([
      { verb: "WILL", option: OPTION.binary },
      { verb: "WILL", option: OPTION.echo },
      { verb: "WILL", option: OPTION.suppressGoAhead },
      { verb: "DO", option: OPTION.binary },
    ]);
    heard.length = 0;
    server.receive(encodeNegotiation("WILL", OPTION.comPort));
    expect(heard).toEqual([
      { verb: "DO", option: OPTION.comPort },
      { type: "modemState", value: 0 },
    ]);
  });

  test.each<[ComPortMessage, ComPortMessage]>([
    [
      { type: "baudRate", value: 921_600 },
      { type: "baudRate", value: 921_600 },
    ],
    [
      { type: "baudRate", value: 0 },
      { type: "baudRate", value: 115_200 },
    ],
    [
      { type: "dataSize", value: 7 },
      { type: "dataSize", value: 7 },
    ],
    [
      { type: "dataSize", value: 42 },
      { type: "dataSize", value: 8 },
    ],
    [
      { type: "parity", value: 3 },
      { type: "parity", value: 3 },
    ],
    [
      { type: "stopSize", value: 2 },
      { type: "stopSize", value: 2 },
    ],
    [
      { type: "stopSize", value: 0 },
      { type: "stopSize", value: 1 },
    ],
    [
      { type: "control", value: CONTROL.hardwareFlow },
      { type: "control", value: CONTROL.hardwareFlow },
    ],
    [
      { type: "control", value: CONTROL.askFlow },
      { type: "control", value: CONTROL.noFlow },
    ],
    [
      { type: "control", value: CONTROL.askDtr },
      { type: "control", value: CONTROL.dtrOff },
    ],
    [
      { type: "control", value: CONTROL.rtsOn },
      { type: "control", value: CONTROL.rtsOn },
    ],
    [
      { type: "control", value: CONTROL.breakOn },
      { type: "control", value: CONTROL.breakOn },
    ],
    [
      { type: "control", value: CONTROL.askInboundFlow },
      { type: "control", value: CONTROL.noInboundFlow },
    ],
    [
      { type: "signature", text: "" },
      { type: "signature", text: "emufarm uart0" },
    ],
    [
      { type: "lineStateMask", value: 0x10 },
      { type: "lineStateMask", value: 0x10 },
    ],
    [
      { type: "modemStateMask", value: 0x80 },
      { type: "modemStateMask", value: 0x80 },
    ],
    [
      { type: "lineState", value: 0 },
      { type: "lineState", value: 0x60 },
    ],
    [
      { type: "purge", value: 3 },
      { type: "purge", value: 3 },
    ],
  ])("to %o answers %o", (asked, answer) => {
    expect(agreed().ask(asked)).toEqual(answer);
  });

  test("tells of lines as they change, once, and of purges and suspensions", () => {
    const { ask, lines, other, server } = agreed();
    for (const value of [CONTROL.dtrOn, CONTROL.dtrOn, CONTROL.rtsOn, CONTROL.rtsOff]) ask({ type: "control", value });
    server.receive(Uint8Array.of(255, 243));
    expect(lines).toEqual([
      { dtr: true, rts: false, break: false },
      { dtr: true, rts: true, break: false },
      { dtr: true, rts: false, break: false },
      { dtr: true, rts: false, break: true },
      { dtr: true, rts: false, break: false },
    ]);
    ask({ type: "purge", value: 1 });
    ask({ type: "suspend" });
    ask({ type: "resume" });
    expect(other).toEqual([{ toClient: true, toGuest: false }, { isSuspended: true }, { isSuspended: false }]);
  });

  test("tells by the modem's lines whether the board is on, to those who want to know", () => {
    const { server, heard, ask } = agreed();
    server.setBoard(true);
    server.setBoard(true);
    const on = MODEM.cts | MODEM.dsr | MODEM.carrier;
    const changed = MODEM.ctsChanged | MODEM.dsrChanged | MODEM.carrierChanged;
    expect(heard).toEqual([{ type: "modemState", value: on | changed }]);
    expect(ask({ type: "modemState", value: 0 })).toEqual({ type: "modemState", value: on });
    ask({ type: "modemStateMask", value: MODEM.carrier });
    expect(heard.at(-1)).toEqual({ type: "modemState", value: MODEM.carrier });
    ask({ type: "modemStateMask", value: 0 });
    heard.length = 0;
    server.setBoard(false);
    expect(heard).toEqual([]);
  });

  test("gives the line each byte as the client meant it, with and without the binary option", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 200 }), (bytes, place) => {
        const binary = agreed();
        binary.server.receive(encodeNegotiation("WILL", OPTION.binary));
        const sent = escapeCommands(bytes);
        binary.server.receive(sent.subarray(0, place));
        binary.server.receive(sent.subarray(place));
        expect(binary.input).toEqual([...bytes]);
      }),
    );
    const plain = session();
    plain.server.receive(Uint8Array.of(65, 13));
    plain.server.receive(Uint8Array.of(0, 66, 13, 10, 0));
    expect(plain.input).toEqual([65, 13, 66, 13, 10, 0]);
  });

  test("never answers an answer, so that two servers do not talk for ever", () => {
    const { server, heard } = session();
    server.open();
    for (const option of [OPTION.binary, OPTION.echo, OPTION.suppressGoAhead]) {
      server.receive(encodeNegotiation("DO", option));
    }
    server.receive(encodeNegotiation("WILL", OPTION.binary));
    for (let again = 0; again < 3; again++) server.receive(encodeNegotiation("DO", OPTION.binary));
    expect(heard).toHaveLength(4);
    server.receive(encodeNegotiation("DONT", OPTION.binary));
    server.receive(encodeNegotiation("DONT", OPTION.binary));
    expect(heard.slice(4)).toEqual([{ verb: "WONT", option: OPTION.binary }]);
    server.receive(encodeNegotiation("DO", 99));
    server.receive(encodeNegotiation("WONT", 99));
    expect(heard.slice(5)).toEqual([{ verb: "WONT", option: 99 }]);
  });

  test("counts messages without an agreement, and broken ones, and does nothing", () => {
    const early = session();
    early.ask({ type: "control", value: CONTROL.rtsOn });
    expect([early.lines, early.heard, early.server.malformed]).toEqual([[], [], 1]);
    const { server, heard } = agreed();
    for (const bytes of [[], [1, 2], [99], [8, 8]]) {
      server.receive(encodeSubnegotiation(OPTION.comPort, Uint8Array.from(bytes)));
    }
    server.receive(encodeSubnegotiation(24, Uint8Array.of(1)));
    expect([server.malformed, heard]).toEqual([5, []]);
  });

  test("bears any garbage: it answers with at most as much as it got, and then still works", () => {
    const noise = fc.array(fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(255, 255, 250, 240, 44, 251, 253, 5, 8)), {
      maxLength: 500,
    });
    fc.assert(
      fc.property(noise, (bytes) => {
        const { server, ask, sent } = agreed();
        const before = sent();
        server.receive(Uint8Array.from(bytes));
        // A signature and a modem's state are longer than the question.
        expect(sent() - before).toBeLessThanOrEqual(bytes.length * 4);
        server.receive(Uint8Array.of(0, 255, 240, 0, 255, 240));
        server.receive(encodeNegotiation("WILL", OPTION.comPort));
        expect(ask({ type: "baudRate", value: 9_600 })).toEqual({ type: "baudRate", value: 9_600 });
      }),
    );
  });
});
