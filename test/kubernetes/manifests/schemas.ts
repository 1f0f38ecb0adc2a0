import type { z } from "zod";
import { board } from "../../../src/core/schema/board.ts";
import { emulatorInstance } from "../../../src/core/schema/emulator-instance.ts";
import { emulatorPool } from "../../../src/core/schema/emulator-pool.ts";

/** The farm's own schema of each kind. */
export const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  Board: board,
  ClusterBoard: board,
  EmulatorInstance: emulatorInstance,
  EmulatorPool: emulatorPool,
};
