/** Commands of the COM port option (RFC 2217), as the client sends them; the server answers with 100 more. */
const CODES = {
  signature: 0,
  baudRate: 1,
  dataSize: 2,
  parity: 3,
  stopSize: 4,
  control: 5,
  lineState: 6,
  modemState: 7,
  suspend: 8,
  resume: 9,
  lineStateMask: 10,
  modemStateMask: 11,
  purge: 12,
} as const;

const SERVER_OFFSET = 100;

type ComPortCommand = keyof typeof CODES;

/** A message of the COM port option. */
export type ComPortMessage =
  | { readonly type: "signature"; readonly text: string }
  | { readonly type: "suspend" | "resume" }
  | { readonly type: Exclude<ComPortCommand, "signature" | "suspend" | "resume">; readonly value: number };

/** Values of SET-CONTROL. */
export const CONTROL = {
  askFlow: 0,
  noFlow: 1,
  hardwareFlow: 3,
  askBreak: 4,
  breakOn: 5,
  breakOff: 6,
  askDtr: 7,
  dtrOn: 8,
  dtrOff: 9,
  askRts: 10,
  rtsOn: 11,
  rtsOff: 12,
  askInboundFlow: 13,
  noInboundFlow: 14,
  hardwareInboundFlow: 16,
  dsrOutboundFlow: 19,
} as const;

/** Bits of the modem state, as NOTIFY-MODEMSTATE has them. */
export const MODEM = {
  ctsChanged: 0x01,
  dsrChanged: 0x02,
  carrierChanged: 0x08,
  cts: 0x10,
  dsr: 0x20,
  carrier: 0x80,
} as const;

/** Bits of the line state: nothing waits to be sent. */
export const LINE = { transmitterEmpty: 0x60 } as const;

/** Values of PURGE-DATA: what is on its way to the client, what is on its way to the guest. */
export const PURGE = { toClient: 1, toGuest: 2, both: 3 } as const;

type Side = "client" | "server";

/** Reads the bytes of a subnegotiation; undefined: they are no message of that side. */
export function parseComPort(bytes: Uint8Array, from: Side): ComPortMessage | undefined {
  const [code, ...rest] = bytes;
  if (code === undefined) return undefined;
  const command = code - (from === "server" ? SERVER_OFFSET : 0);
  const type = (Object.keys(CODES) as ComPortCommand[]).find((name) => CODES[name] === command);
  if (type === undefined) return undefined;
  if (type === "signature") return { type, text: String.fromCharCode(...rest) };
  if (type === "suspend" || type === "resume") return rest.length === 0 ? { type } : undefined;
  if (type === "baudRate") {
    if (rest.length !== 4) return undefined;
    return { type, value: rest.reduce((value, byte) => value * 256 + byte, 0) };
  }
  const [value] = rest;
  return value === undefined || rest.length > 1 ? undefined : { type, value };
}

/** The bytes of a subnegotiation. Text is one byte a character. */
export function encodeComPort(message: ComPortMessage, from: Side): Uint8Array {
  const code = CODES[message.type] + (from === "server" ? SERVER_OFFSET : 0);
  if (message.type === "signature") {
    return Uint8Array.of(code, ...Array.from(message.text, (character) => character.charCodeAt(0) & 0xff));
  }
  if (!("value" in message)) return Uint8Array.of(code);
  const { value } = message;
  if (message.type !== "baudRate") return Uint8Array.of(code, value);
  return Uint8Array.of(code, value >>> 24, value >>> 16, value >>> 8, value);
}
