import { describe, test } from "vitest";
import { type PinBoard, testGpio } from "./gpio-conformance.ts";
import { boardOf, OURS } from "./pin-lab.ts";

/** Each board whose pins can be reached, by whichever driver, with lines that nothing else of it is connected to. */
const BOARDS: readonly PinBoard[] = [
  { board: "microbit", outputs: ["ROW1"], input: "PIN0" },
  { board: "sifive-e", outputs: ["GREEN"], input: "GPIO3" },
  { board: "sifive-u", outputs: ["GPIO5"], input: "GPIO3" },
  { board: "lm3s6965evb", outputs: ["LED", "PB1"], input: "PG2" },
  { board: "b-l475e-iot01a", outputs: ["LED1", "LED2"], input: "PC3" },
  { board: "raspi2b", outputs: ["GPIO17", "GPIO47"], input: "GPIO4" },
  { board: "raspi3b", outputs: ["GPIO17", "GPIO47"], input: "GPIO4" },
  { board: "ast1030-evb", outputs: ["A0", "E3"], input: "A1" },
  { board: "mps2-an386", outputs: ["GPIO0_5", "GPIO1_0"], input: "GPIO0_4" },
];

describe.each(BOARDS)("stock QEMU: $board", (board) => testGpio(board, "stock"));

describe("the farm's own QEMU", () => {
  if (OURS === undefined) {
    test.skip("it is not built here (npm run qemu)");
    return;
  }
  const ours = BOARDS.filter(({ board }) => boardOf(board).boot.proven.includes("recycle"));
  describe.each(ours)("$board", (board) => testGpio(board, "ours"));
});
