import type { ComPortMessage } from "./com-port.ts";

/** What a client may set and ask for; an emulated line has no speed, so nothing else depends on it. */
export interface ComPortSettings {
  readonly baudRate: number;
  readonly dataSize: number;
  /** 1 none, 2 odd, 3 even, 4 mark, 5 space. */
  readonly parity: number;
  /** 1 one, 2 two, 3 one and a half. */
  readonly stopSize: number;
}

export const FIRST_SETTINGS: ComPortSettings = { baudRate: 115_200, dataSize: 8, parity: 1, stopSize: 1 };

/** Least and greatest value that a port can have; 0 asks. */
const RANGES: Readonly<Record<keyof ComPortSettings, readonly [number, number]>> = {
  baudRate: [1, 0xffff_ffff],
  dataSize: [5, 8],
  parity: [1, 5],
  stopSize: [1, 3],
};

/** The settings after a message, or undefined where it is about something else. What no port can be is left as it was. */
export function applySetting(settings: ComPortSettings, message: ComPortMessage): ComPortSettings | undefined {
  const { type } = message;
  if (type !== "baudRate" && type !== "dataSize" && type !== "parity" && type !== "stopSize") return undefined;
  const [least, most] = RANGES[type];
  const { value } = message;
  return value >= least && value <= most ? { ...settings, [type]: value } : settings;
}
