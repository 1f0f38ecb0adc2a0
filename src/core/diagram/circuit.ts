import { FarmError } from "../error/farm-error.ts";
import { type Diagram, type DiagramPart, isSerialMonitor, splitPin } from "./diagram.ts";
import { type Joint, Nets, reach } from "./nets.ts";
import { KNOWN_PARTS, type PartKind, partKind } from "./part-kinds.ts";

/** The board as diagrams know it. */
export interface DiagramBoard {
  /** Name of the board, for errors. */
  readonly name: string;
  /** Types of parts that stand for this board. */
  readonly parts: readonly string[];
  /** The line at a pin of such a part. */
  lineOf(pin: string): string | undefined;
}

/** What a pin of a part is connected to: a line of the board, or a level that is the circuit's own. */
export type Sensed = { readonly line: string } | { readonly level: 0 | 1 };

const GROUND_PIN = /^GND(\.\d+)?$/;
const SUPPLY_PIN = /^(VCC|VDD|VIN|VBUS|VSYS|IOREF|5V|3V3|3\.3V)(\.\d+)?$/;
/** Pins of a board that are wired to the simulator's own things, and change no line. */
const OTHER_PIN = /^(TX|RX|TX0|RX0|RST|RESET|EN|NC)(\.\d+)?$/;

interface Control {
  readonly name: string;
  value: 0 | 1;
}

/**
 * The digital circuit around a board. Wires and closed contacts join, resistors pull, and the nearest level wins. A line
 * that only an open contact touches has the level that this contact does not give, as with a pull-up inside the chip.
 */
export class Circuit {
  readonly #diagram: Diagram;
  readonly #board: DiagramBoard;
  readonly #nets = new Nets();
  readonly #ground: string[] = [];
  readonly #supply: string[] = [];
  /** Lines by the net that they are on. */
  readonly #lines = new Map<string, string>();
  readonly #controls = new Map<string, Control>();
  readonly #joints: Joint[] = [];

  /**
   * @throws {FarmError} NotSupportedByBoard; `place` in its details is where in the diagram, such as
   * `diagram.parts.1.type`
   */
  constructor(diagram: Diagram, board: DiagramBoard) {
    this.#diagram = diagram;
    this.#board = board;
    const known = diagram.parts.map((part, index) => ({ part, kind: this.#kindOf(part, index) }));
    for (const [from, to] of diagram.connections) {
      if (![from, to].some((end) => isSerialMonitor(splitPin(end).part))) this.#nets.join(from, to);
    }
    for (const { part, kind } of known) {
      for (const [from, to] of kind?.joined ?? []) this.#nets.join(`${part.id}:${from}`, `${part.id}:${to}`);
    }
    for (const { part, kind } of known) if (kind) this.#addPart(part, kind);
    this.#connectBoard();
    this.#refuseJoinedLines();
  }

  /** The levels that the parts put on the board's lines as the controls stand; lines of LEDs and displays have none. */
  levels(): Map<string, 0 | 1> {
    const closed = this.#levelsOver(this.#joints.filter((joint) => joint.isClosed()));
    const any = this.#levelsOver(this.#joints);
    const levels = new Map<string, 0 | 1>();
    for (const [net, line] of this.#lines) {
      const idle = any(net);
      const level = closed(net) ?? (idle === undefined ? undefined : idle === 0 ? 1 : 0);
      if (level !== undefined) levels.set(line, level);
    }
    return levels;
  }

  /**
   * Moves a control of a part, such as `pressed` of a push button.
   * @throws {FarmError} NotFound, InvalidRequest
   */
  setControl(partId: string, control: string, value: number | string | boolean): void {
    const part = this.#partOf(partId);
    const found = this.#controls.get(partId);
    if (found?.name !== control) {
      const has = found ? `, which is a ${partKind(part.type)?.title} and has ${found.name}` : "";
      throw new FarmError("NotFound", { kind: "control", name: `${control} of ${partId}${has}` });
    }
    if (!["0", "1", "false", "true"].includes(String(value))) {
      throw new FarmError("InvalidRequest", { problems: `${control} of ${partId} is ${value}, expected 0 or 1` });
    }
    found.value = ["1", "true"].includes(String(value)) ? 1 : 0;
  }

  /**
   * What a pin of a part is connected to as the controls stand. A pin that nothing reaches is low.
   * @throws {FarmError} NotFound
   */
  sense(partId: string, pin: string): Sensed {
    const part = this.#partOf(partId);
    const kind = partKind(part.type);
    const own = kind ? undefined : this.#board.lineOf(pin);
    if (own !== undefined) return { line: own };
    const net = this.#nets.netOf(`${partId}:${pin}`);
    const isPin = kind ? kind.pins.includes(pin) : [...this.#ground, ...this.#supply].includes(net);
    if (!isPin) throw new FarmError("NotFound", { kind: "pin", name: `${pin} of ${partId}` });
    const closed = this.#joints.filter((joint) => joint.isClosed());
    const line = [
      ...reach(
        [net],
        closed.filter((joint) => !this.#isSupplied(joint)),
      ).keys(),
    ]
      .map((one) => this.#lines.get(one))
      .find((one) => one !== undefined);
    return line === undefined ? { level: this.#levelsOver(closed)(net) ?? 0 } : { line };
  }

  #partOf(id: string): DiagramPart {
    const part = this.#diagram.parts.find((one) => one.id === id);
    if (!part) throw new FarmError("NotFound", { kind: "part of the diagram", name: id });
    return part;
  }

  /** Undefined for the board itself. */
  #kindOf({ id, type }: DiagramPart, index: number): PartKind | undefined {
    const kind = partKind(type);
    if (kind || this.#board.parts.includes(type)) return kind;
    const board = `as ${this.#board.name}: ${this.#board.parts.join(", ") || "no part"}`;
    throw this.#unsupported(`part ${id} (${type})`, `${board}; beside it: ${KNOWN_PARTS}`, `parts.${index}.type`);
  }

  #addPart({ id, type, attrs }: DiagramPart, { supply, resistor, control, pins }: PartKind): void {
    const net = (pin: string) => this.#nets.netOf(`${id}:${pin}`);
    if (supply !== undefined) (supply === 0 ? this.#ground : this.#supply).push(...pins.map(net));
    if (resistor) this.#joints.push({ nets: [net(resistor[0]), net(resistor[1])], resistors: 1, isClosed: () => true });
    if (!control) return;
    const state: Control = { name: control.name, value: control.initial({ id, type, attrs }) };
    this.#controls.set(id, state);
    for (const { pins: ends, closedAt } of control.contacts) {
      const isClosed = () => state.value === closedAt;
      this.#joints.push({ nets: [net(ends[0]), net(ends[1])], resistors: 0, isClosed });
    }
  }

  /** Each end of a wire is a pin that its part has; those of the board are lines, ground or supply. */
  #connectBoard(): void {
    for (const [index, ends] of this.#diagram.connections.entries()) {
      for (const [at, end] of ends.entries()) {
        const { part: id, pin } = splitPin(end);
        if (!isSerialMonitor(id)) this.#connect(end, id, pin, `connections.${index}.${at}`);
      }
    }
  }

  #connect(end: string, id: string, pin: string, place: string): void {
    const kind = partKind(this.#partOf(id).type);
    if (kind?.pins.includes(pin)) return;
    const net = this.#nets.netOf(end);
    const line = kind ? undefined : this.#board.lineOf(pin);
    if (line !== undefined) this.#addLine(net, line, place);
    else if (!kind && GROUND_PIN.test(pin)) this.#ground.push(net);
    else if (!kind && SUPPLY_PIN.test(pin)) this.#supply.push(net);
    else if (kind || !OTHER_PIN.test(pin)) {
      const problem = kind ? `a ${kind.title} has ${kind.pins.join(", ") || "no pins"}` : "no line of it is there";
      throw this.#unsupported(`pin ${pin} of ${id}`, problem, place);
    }
  }

  #addLine(net: string, line: string, place: string): void {
    const other = this.#lines.get(net);
    if (other !== undefined && other !== line) throw this.#joined(other, line, place);
    this.#lines.set(net, line);
  }

  /** What one line says would have to be carried to the other: that takes a circuit that follows the board. */
  #refuseJoinedLines(): void {
    const joints = this.#joints.filter((joint) => !this.#isSupplied(joint));
    for (const [net, line] of this.#lines) {
      for (const reached of reach([net], joints).keys()) {
        const other = this.#lines.get(reached);
        if (other !== undefined && other !== line) throw this.#joined(line, other, "connections");
      }
    }
  }

  #isSupplied({ nets }: Joint): boolean {
    return nets.some((net) => this.#ground.includes(net) || this.#supply.includes(net));
  }

  /** The level that these joints give a net: that of the nearer supply. */
  #levelsOver(joints: readonly Joint[]): (net: string) => 0 | 1 | undefined {
    const ground = reach(this.#ground, joints);
    const supply = reach(this.#supply, joints);
    return (net) => {
      const [toGround, toSupply] = [ground.get(net) ?? Infinity, supply.get(net) ?? Infinity];
      if (toGround === toSupply) return undefined;
      return toGround < toSupply ? 0 : 1;
    };
  }

  #joined(one: string, other: string, place: string): FarmError {
    return this.#unsupported(`joining its lines ${one} and ${other}`, "a diagram joins lines to parts only", place);
  }

  #unsupported(what: string, problem: string, place: string): FarmError {
    const details = { what: `In the diagram, ${what}`, board: this.#board.name, problem, place: `diagram.${place}` };
    return new FarmError("NotSupportedByBoard", details);
  }
}
