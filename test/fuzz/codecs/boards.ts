import { createQtestParser } from "../../../src/agent/gpio/qtest-stream.ts";
import { QmpDecoder } from "../../../src/agent/qmp/qmp-codec.ts";
import { QmpTransportError } from "../../../src/agent/qmp/qmp-transport-error.ts";
import { GpioJsonDecoder } from "../../../src/core/gpio/gpio-json.ts";
import { readCpuPlace } from "../../../src/core/symbols/cpu-registers.ts";
import type { Codec } from "../codec.ts";

const MAX_MESSAGE_BYTES = 4_096;

/** What an emulator says by QMP, which a guest may have taken over. */
const emulator: Codec = {
  name: "emulator",
  isStream: true,
  refusals: [QmpTransportError],
  read(pieces) {
    const decoder = new QmpDecoder(MAX_MESSAGE_BYTES);
    return [...pieces].flatMap((piece) => decoder.decode(piece));
  },
};

/** What it says by qtest. */
const qtest: Codec = {
  name: "qtest",
  isStream: true,
  refusals: [],
  read(pieces) {
    const read: unknown[] = [];
    const parse = createQtestParser({
      onEdge: (...edge) => read.push(edge),
      onAnswer: (problem) => read.push(problem ?? "OK"),
    });
    for (const piece of pieces) if (!parse(piece)) return [...read, "no qtest"];
    return read;
  },
};

const gpioJson: Codec = {
  name: "gpio-json",
  isStream: true,
  refusals: [],
  read(pieces) {
    const decoder = new GpioJsonDecoder();
    const words = [...pieces].flatMap((piece) => decoder.decode(piece));
    return { words, ignored: decoder.ignoredLines };
  },
};

/** Registers as an emulator prints them at a crash. */
const registers: Codec = {
  name: "registers",
  isStream: false,
  refusals: [],
  read: ([bytes]) => readCpuPlace(String(bytes)),
};

export const boardCodecs: readonly Codec[] = [emulator, qtest, gpioJson, registers];
