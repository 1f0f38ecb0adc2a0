import type { ObjectTable, TableRow } from "../../kube/object-table.ts";

export interface ShownOptions {
  /** Shows the columns for those who ask for more. */
  readonly isWide: boolean;
  /** Begins with the namespace. */
  readonly hasNamespaces: boolean;
  /** Stands before each name: of which kind it is. */
  readonly prefix: string;
}

/** What was printed of a table, for what is to be printed below it. */
export interface ShownTable {
  text(): string;
  /** Further rows, in the columns of before as far as they fit. */
  below(rows: readonly TableRow[]): string;
}

const GAP = "   ";

/** A table in the form of `kubectl get`. */
export function shownTable(table: ObjectTable, { isWide, hasNamespaces, prefix }: ShownOptions): ShownTable {
  const columns = table.columns.flatMap(({ name, priority }, index) =>
    isWide || priority === 0 ? [{ title: name.toUpperCase(), index }] : [],
  );
  const cellsOf = ({ cells, metadata }: TableRow) => [
    ...(hasNamespaces ? [metadata.namespace ?? ""] : []),
    ...columns.map(({ index }, place) => `${place === 0 ? prefix : ""}${cellText(cells[index])}`),
  ];
  const head = [...(hasNamespaces ? ["NAMESPACE"] : []), ...columns.map(({ title }) => title)];
  const lines = [head, ...table.rows.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const textOf = (line: readonly string[]) =>
    `${line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(GAP)
      .trimEnd()}\n`;
  return {
    text: () => lines.map(textOf).join(""),
    below: (rows) => rows.map((row) => textOf(cellsOf(row))).join(""),
  };
}

/** On one line, whatever somebody wrote into an object. */
function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
  return String(cell).replace(/[\x00-\x1f\x7f-\x9f]+/g, " ");
}
