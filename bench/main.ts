import { inspect } from "node:util";
import type { BenchCase, Figure } from "./case.ts";
import { bulk } from "./cases/bulk.ts";
import { cluster } from "./cases/cluster.ts";
import { command } from "./cases/command.ts";
import { echo } from "./cases/echo.ts";
import { gdb } from "./cases/gdb.ts";
import { guestSpeed } from "./cases/guest-speed.ts";
import { idle } from "./cases/idle.ts";
import { input } from "./cases/input.ts";
import { latency } from "./cases/latency.ts";
import { linux } from "./cases/linux.ts";
import { memory } from "./cases/memory.ts";
import { operator, streams } from "./cases/operator.ts";
import { pins } from "./cases/pins.ts";
import { qmp } from "./cases/qmp.ts";
import { recycle } from "./cases/recycle.ts";
import { firmwareChange, serial } from "./cases/serial.ts";
import { start } from "./cases/start.ts";
import { throughput } from "./cases/throughput.ts";
import { waiting } from "./cases/waiting.ts";

const CASES: readonly BenchCase[] = [
  throughput,
  latency,
  echo,
  bulk,
  serial,
  firmwareChange,
  memory,
  command,
  input,
  waiting,
  idle,
  qmp,
  gdb,
  recycle,
  start,
  guestSpeed,
  linux,
  pins,
  operator,
  streams,
  cluster,
];

const args = process.argv.slice(2);
const isJson = args.includes("--json");
const names = args.filter((arg) => !arg.startsWith("-"));
const unknown = names.filter((name) => !CASES.some((one) => one.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no benchmark ${unknown.join(", ")}; there are ${CASES.map((one) => one.name).join(", ")}\n`,
  );
  process.exit(2);
}

const figures: Figure[] = [];
for (const one of CASES) {
  if (names.length > 0 && !names.includes(one.name)) continue;
  process.stderr.write(`${one.title} ...\n`);
  try {
    for (const measured of await one.run((text) => process.stderr.write(`  ${text}\n`))) {
      figures.push(measured);
      if (isJson) process.stdout.write(`${JSON.stringify(measured)}\n`);
    }
  } catch (error) {
    // What could be measured is told all the same.
    process.stderr.write(`bench: ${one.name} could not be measured: ${inspect(error)}\n`);
    process.exitCode = 1;
  }
}
if (!isJson) printTable(figures);

function printTable(rows: readonly Figure[]): void {
  const cells = rows.map((row) => [
    row.name,
    `${row.value.toFixed(3)} ${row.unit}`,
    row.goal,
    row.met ? "met" : "MISSED",
    row.against,
  ]);
  const table = [["figure", "value", "goal", "", "against"], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of table) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
}
