import type { Sensed } from "../../core/diagram/circuit.ts";

/** The circuit around a board, as the scenario runner sees it. */
export interface GuestParts {
  /**
   * Moves a control of a part; settles once the board's lines have the levels that follow.
   * @throws {FarmError} NotFound, InvalidRequest, PinsFailed
   */
  setControl(part: string, control: string, value: number | string | boolean): Promise<void>;
  /**
   * What a pin of a part is connected to now.
   * @throws {FarmError} NotFound
   */
  sense(part: string, pin: string): Sensed;
}
