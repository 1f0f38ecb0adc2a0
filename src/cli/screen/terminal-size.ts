/** Columns and rows of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a terminal was when nobody could ask it: consoles on serial lines and in some CI tell 0 by 0. */
const USUAL: TerminalSize = { columns: 80, rows: 24 };

export function terminalSize({ columns, rows }: Partial<TerminalSize>): TerminalSize {
  return { columns: columns || USUAL.columns, rows: rows || USUAL.rows };
}
