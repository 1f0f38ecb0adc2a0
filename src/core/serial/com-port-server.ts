import { CONTROL, type ComPortMessage, encodeComPort, LINE, MODEM, PURGE, parseComPort } from "./com-port.ts";
import { applySetting, type ComPortSettings, FIRST_SETTINGS } from "./com-port-settings.ts";
import { ReturnsIn } from "./returns-in.ts";
import { COMMAND, encodeSubnegotiation, escapeCommands, OPTION } from "./telnet.ts";
import { TelnetDecoder } from "./telnet-decoder.ts";
import { TelnetOptions } from "./telnet-options.ts";

/** Lines that a client drives. */
export interface ControlLines {
  readonly dtr: boolean;
  readonly rts: boolean;
  readonly break: boolean;
}

/** What the server's side of a session makes of what the client sends, in its order. */
export interface ComPortEvents {
  /** Bytes for the client's connection: answers and notices. */
  send(bytes: Uint8Array): void;
  /** Bytes for the line. */
  onInput(bytes: Uint8Array): void;
  onLines(lines: ControlLines, before: ControlLines): void;
  /** What has not reached the client, or the guest, is to be forgotten. */
  onPurge(what: { readonly toClient: boolean; readonly toGuest: boolean }): void;
  /** The client wants no output for now, or wants it again. */
  onSuspended(isSuspended: boolean): void;
}

const OPTIONS = {
  own: [OPTION.binary, OPTION.echo, OPTION.suppressGoAhead, OPTION.comPort],
  others: [OPTION.binary, OPTION.suppressGoAhead, OPTION.comPort],
};
/** Asked for unasked: so a plain Telnet client sends each key as it is pressed. */
const OFFERS = { own: [OPTION.binary, OPTION.echo, OPTION.suppressGoAhead], others: [OPTION.binary] };

const ALL_OFF: ControlLines = { dtr: false, rts: false, break: false };
const BOARD_ON = MODEM.cts | MODEM.dsr | MODEM.carrier;
const ALL_CHANGED = MODEM.ctsChanged | MODEM.dsrChanged | MODEM.carrierChanged;

/**
 * The server's side of an RFC 2217 session with one client. Speed and frame are taken and told again; DTR, RTS, break
 * and purges are told on; the modem's lines say whether the board is on.
 */
export class ComPortServer {
  readonly #signature: string;
  readonly #events: ComPortEvents;
  readonly #decoder: TelnetDecoder;
  readonly #options: TelnetOptions;
  readonly #returnsIn = new ReturnsIn();
  #settings: ComPortSettings = FIRST_SETTINGS;
  #lines = ALL_OFF;
  #flow: number = CONTROL.noFlow;
  #inboundFlow: number = CONTROL.noInboundFlow;
  #modemMask = 0xff;
  #modem = 0;
  #malformed = 0;

  constructor({ signature, events }: { readonly signature: string; readonly events: ComPortEvents }) {
    this.#signature = signature;
    this.#events = events;
    this.#options = new TelnetOptions({ ...OPTIONS, send: (bytes) => events.send(bytes) });
    this.#decoder = new TelnetDecoder({
      onData: (bytes) => events.onInput(this.#options.isOthers(OPTION.binary) ? bytes : this.#returnsIn.read(bytes)),
      onNegotiation: (verb, option) => this.#negotiate(verb, option),
      onSubnegotiation: (option, bytes) => this.#subnegotiate(option, bytes),
      onCommand: (command) => this.#command(command),
      onMalformed: () => {
        this.#malformed += 1;
      },
    });
  }

  get settings(): ComPortSettings {
    return this.#settings;
  }

  get lines(): ControlLines {
    return this.#lines;
  }

  /** Pieces of what the client sent that were no RFC 2217. */
  get malformed(): number {
    return this.#malformed;
  }

  /** Begins the session. */
  open(): void {
    this.#options.offer(OFFERS);
  }

  receive(chunk: Uint8Array): void {
    this.#decoder.decode(chunk);
  }

  /**
   * Output of the guest as the client is to get it. A lone carriage return stays one even where binary is not agreed,
   * as all servers have it: what is shown first comes before anything can be agreed.
   */
  encode(bytes: Uint8Array): Uint8Array {
    return escapeCommands(bytes);
  }

  /** The client has gone: its lines fall, as those of a port that is closed. */
  hangUp(): void {
    this.#setLines({ break: false });
    this.#setLines({ rts: false, dtr: false });
  }

  /** The board behind the line is on, or off. */
  setBoard(isOn: boolean): void {
    const modem = isOn ? BOARD_ON : 0;
    if (modem === this.#modem) return;
    this.#modem = modem;
    this.#tellModem(ALL_CHANGED);
  }

  #negotiate(verb: Parameters<TelnetOptions["receive"]>[0], option: number): void {
    const hadPort = this.#hasPort();
    this.#options.receive(verb, option);
    // A client that asks for the modem's lines waits for word of them.
    if (!hadPort && this.#hasPort()) this.#tellModem(0);
  }

  #hasPort(): boolean {
    return this.#options.isOthers(OPTION.comPort) || this.#options.isOwn(OPTION.comPort);
  }

  #command(command: number): void {
    if (command !== COMMAND.break) return;
    this.#setLines({ break: true });
    this.#setLines({ break: false });
  }

  #subnegotiate(option: number, bytes: Uint8Array): void {
    const message = option === OPTION.comPort && this.#hasPort() ? parseComPort(bytes, "client") : undefined;
    if (message) this.#answer(message);
    else this.#malformed += 1;
  }

  #answer(message: ComPortMessage): void {
    const settings = applySetting(this.#settings, message);
    if (settings) {
      this.#settings = settings;
      this.#send({ type: message.type, value: settings[message.type as keyof ComPortSettings] } as ComPortMessage);
    } else if (message.type === "signature") {
      // One with a text is the client's own, and wants no answer.
      if (message.text === "") this.#send({ type: "signature", text: this.#signature });
    } else if ("value" in message) {
      this.#answerValue(message);
    } else {
      this.#events.onSuspended(message.type === "suspend");
    }
  }

  #answerValue({ type, value }: Extract<ComPortMessage, { readonly value: number }>): void {
    if (type === "control") this.#control(value);
    else if (type === "purge") this.#purge(value);
    else if (type === "lineState") this.#send({ type, value: LINE.transmitterEmpty });
    else if (type === "lineStateMask") this.#send({ type, value });
    else if (type === "modemStateMask") this.#setModemMask(value);
    else if (type === "modemState") this.#tellModem(0);
  }

  #setModemMask(value: number): void {
    this.#modemMask = value;
    this.#send({ type: "modemStateMask", value });
    this.#tellModem(0);
  }

  #control(value: number): void {
    if (value >= CONTROL.askDtr && value <= CONTROL.rtsOff) this.#controlLine(value);
    else if (value >= CONTROL.askBreak && value <= CONTROL.breakOff) this.#controlLine(value);
    else if (value > CONTROL.askFlow && value <= CONTROL.hardwareFlow) this.#flow = value;
    else if (value > CONTROL.askInboundFlow && value <= CONTROL.hardwareInboundFlow) this.#inboundFlow = value;
    else if (value > CONTROL.hardwareInboundFlow && value <= CONTROL.dsrOutboundFlow) this.#flow = value;
    else if (value > CONTROL.dsrOutboundFlow) this.#malformed += 1;
    this.#send({ type: "control", value: this.#controlNow(value) });
  }

  #controlLine(value: number): void {
    if (value === CONTROL.breakOn || value === CONTROL.breakOff) this.#setLines({ break: value === CONTROL.breakOn });
    if (value === CONTROL.dtrOn || value === CONTROL.dtrOff) this.#setLines({ dtr: value === CONTROL.dtrOn });
    if (value === CONTROL.rtsOn || value === CONTROL.rtsOff) this.#setLines({ rts: value === CONTROL.rtsOn });
  }

  /** How what was set or asked for stands now. */
  #controlNow(asked: number): number {
    const { dtr, rts, break: isBreak } = this.#lines;
    if (asked < CONTROL.askBreak) return this.#flow;
    if (asked < CONTROL.askDtr) return isBreak ? CONTROL.breakOn : CONTROL.breakOff;
    if (asked < CONTROL.askRts) return dtr ? CONTROL.dtrOn : CONTROL.dtrOff;
    if (asked < CONTROL.askInboundFlow) return rts ? CONTROL.rtsOn : CONTROL.rtsOff;
    return asked <= CONTROL.hardwareInboundFlow ? this.#inboundFlow : this.#flow;
  }

  #setLines(changed: Partial<ControlLines>): void {
    const before = this.#lines;
    const now = { ...before, ...changed };
    if (now.dtr === before.dtr && now.rts === before.rts && now.break === before.break) return;
    this.#lines = now;
    this.#events.onLines(now, before);
  }

  #purge(value: number): void {
    const toClient = value === PURGE.toClient || value === PURGE.both;
    const toGuest = value === PURGE.toGuest || value === PURGE.both;
    if (toClient || toGuest) this.#events.onPurge({ toClient, toGuest });
    else this.#malformed += 1;
    this.#send({ type: "purge", value });
  }

  #tellModem(changed: number): void {
    if (!this.#hasPort() || this.#modemMask === 0) return;
    this.#send({ type: "modemState", value: (this.#modem | changed) & this.#modemMask });
  }

  #send(message: ComPortMessage): void {
    this.#events.send(encodeSubnegotiation(OPTION.comPort, encodeComPort(message, "server")));
  }
}
