import type { Level } from "../../core/gpio/gpio-line.ts";

/** A change of a line's level. */
export interface GpioEdge {
  /** Number of the line. */
  readonly line: number;
  readonly level: Level;
  /** When, in nanoseconds since the boot began, by the batch's clock. */
  readonly timeNs: number;
  /** Who changed it: the guest, or somebody from outside. */
  readonly by: "guest" | "outside";
}

/** Edges that came together, in order; never empty. */
export interface EdgeBatch {
  readonly boot: number;
  /** The guest's own time where the driver can tell it, else that of the agent when it learned of the edge. */
  readonly clock: "guest" | "host";
  readonly edges: readonly GpioEdge[];
}
