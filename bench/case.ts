/** One figure of the table. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** Unit of the value: "ratio", "ms", "MiB" and so on. */
  readonly unit: string;
  /** What it is held against, with the bare figure of the same run. */
  readonly against: string;
  /** The goal in words, such as ">= 0.85". */
  readonly goal: string;
  readonly met: boolean;
}

/** A benchmark: measures one or more figures, says what it does on the way. */
export interface BenchCase {
  readonly name: string;
  readonly title: string;
  run(say: (text: string) => void): Promise<Figure[]>;
}

type Comparison = ">=" | "<=";

/** A figure with its goal checked. */
export function figure(
  name: string,
  value: number,
  unit: string,
  against: string,
  comparison: Comparison,
  limit: number,
): Figure {
  const met = comparison === ">=" ? value >= limit : value <= limit;
  return { name, value, unit, against, goal: `${comparison} ${limit}`, met };
}
