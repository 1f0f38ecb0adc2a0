import { Circuit, type Sensed } from "../../core/diagram/circuit.ts";
import type { Diagram } from "../../core/diagram/diagram.ts";
import { diagramBoard, type WiredBoard } from "../../core/diagram/diagram-board.ts";
import type { GuestParts } from "../scenario/guest-parts.ts";
import type { GpioBank } from "./gpio-bank.ts";

/** A circuit that is wired to a board's pins. */
export class WiredCircuit implements GuestParts {
  readonly #circuit: Circuit;
  readonly #bank: GpioBank;

  /** @throws {FarmError} NotSupportedByBoard */
  constructor(diagram: Diagram, board: { readonly name: string; readonly spec: WiredBoard }, bank: GpioBank) {
    this.#circuit = new Circuit(diagram, diagramBoard(board.name, board.spec));
    this.#bank = bank;
  }

  /** Puts the levels of the circuit on the board's lines: before its power-on, so that the guest finds them. */
  async settle(): Promise<void> {
    for (const [line, level] of this.#circuit.levels()) {
      if (this.#bank.driven(this.#bank.lines.find(line).number) !== level) await this.#bank.drive(line, level);
    }
  }

  async setControl(part: string, control: string, value: number | string | boolean): Promise<void> {
    this.#circuit.setControl(part, control, value);
    await this.settle();
  }

  sense(part: string, pin: string): Sensed {
    return this.#circuit.sense(part, pin);
  }
}
