/** Commands of Telnet (RFC 854), each after an IAC. */
export const COMMAND = {
  endOfSubnegotiation: 240,
  break: 243,
  subnegotiation: 250,
  WILL: 251,
  WONT: 252,
  DO: 253,
  DONT: 254,
  interpretAsCommand: 255,
} as const;

/** Options of Telnet: RFC 856, 857, 858 and 2217. */
export const OPTION = { binary: 0, echo: 1, suppressGoAhead: 3, comPort: 44 } as const;

const VERBS = ["WILL", "WONT", "DO", "DONT"] as const;

export type TelnetVerb = (typeof VERBS)[number];

/** The verb of a command; undefined: it is no negotiation. */
export function verbOf(command: number): TelnetVerb | undefined {
  return VERBS.find((verb) => COMMAND[verb] === command);
}

export function encodeNegotiation(verb: TelnetVerb, option: number): Uint8Array {
  return Uint8Array.of(COMMAND.interpretAsCommand, COMMAND[verb], option);
}

export function encodeSubnegotiation(option: number, bytes: Uint8Array): Uint8Array {
  const { interpretAsCommand, subnegotiation, endOfSubnegotiation } = COMMAND;
  const payload = escapeCommands(bytes);
  const message = new Uint8Array(payload.length + 5);
  message.set([interpretAsCommand, subnegotiation, option]);
  message.set(payload, 3);
  message.set([interpretAsCommand, endOfSubnegotiation], payload.length + 3);
  return message;
}

/** Doubles each IAC. What has none is returned as it is, so that bulk costs one search. */
export function escapeCommands(bytes: Uint8Array): Uint8Array {
  const { interpretAsCommand } = COMMAND;
  const first = bytes.indexOf(interpretAsCommand);
  if (first === -1) return bytes;
  let count = 0;
  for (let at = first; at !== -1; at = bytes.indexOf(interpretAsCommand, at + 1)) count += 1;
  const escaped = new Uint8Array(bytes.length + count);
  let to = 0;
  for (const byte of bytes) {
    escaped[to++] = byte;
    if (byte === interpretAsCommand) escaped[to++] = byte;
  }
  return escaped;
}
