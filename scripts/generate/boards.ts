import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type GpioAbilities, gpioAbilities } from "../../src/agent/gpio/gpio-driver.ts";
import { GpioLines } from "../../src/core/gpio/gpio-line.ts";
import { type Architecture, type Board, type BoardSpec, board } from "../../src/core/schema/board.ts";
import type { Generated } from "../generate.ts";
import { projectFolder } from "../setup/folders.mjs";

const MANIFESTS = "manifests/boards";
const PAGE = "docs/boards.md";

const INTRODUCTION = `# Boards

Made by \`npm run generate\` from [${MANIFESTS}](../${MANIFESTS}): each is [one file](add-a-board.md). \`emufarm boards\` says what is
missing here to run each, \`emufarm describe BOARD\` tells all about one.

*Reset by*: lines of the first UART that [reset the board](channels.md#raw-tcp-and-rfc-2217). *Starts*: the
[ways to start a guest](performance.md) that the board is proven for, besides a process of its own, which every board
has. *Ends*: how a guest can end by itself.
`;

const PINS = `## Pins

Lines that are [watched and driven from outside](channels.md#gpio), by the board's [driver](channels.md#drivers). Boards that are not
here have no model of their pins in QEMU, and neither has the one whose driver is \`line\`: there the firmware tells. Each claim is
tested on the board, with stock QEMU and, where ours has it, with ours.
`;

const DISPLAYS = `## Displays

Boards that show something, as [pictures and by VNC](channels.md#screens): each is tested with a guest that draws. QMP,
properties and the monitor are there on every board.
`;

const DEBUGGERS = `## Debuggers

[GDB](channels.md#gdb) comes to every board: each is tested with a program that reads registers, steps and detaches. Which gdb that is, and
what the board's emulator does not have for it:
`;

/** Of each architecture: the debugger, and what is missing. */
const DEBUGGER_OF: Partial<Record<Architecture, readonly [string, string]>> = {
  avr: ["avr-gdb", "watchpoints: gdb steps instead"],
};
const USUAL_DEBUGGER = ["gdb-multiarch", "-"] as const;

const STORAGE = `## Storage

Memory that keeps, for each instance, what its guest has written ([channels](channels.md#storage)); boards that are not here keep
nothing. Of these machines, SiFive's U is the only one whose model has fuses; those of Espressif's chips are in its own emulator.
`;

const UNPROVEN = `## Starts that a board has not

Why a board is not recycled, or takes no snapshots.
`;

const WITHOUT_OURS = `## Without the farm's own QEMU

Every board runs with the distribution's QEMU, from its least version on. What is missing then, until \`npm run qemu\` has
[built ours](performance.md#the-farms-own-qemu), on every board that ours has: guest time and alarms at a guest time; UARTs that tell when
they can receive, so that input needs no kick; pins of several devices at once, with their time. It has no x86. By board:
`;

/** What only the farm's own QEMU has, and for which boards that means something. */
const MISSING: [string, (spec: BoardSpec) => boolean][] = [
  ["recycled starts", () => true],
  ["an exit by semihosting that leaves the process alive", (spec) => spec.semihosting],
  ["text by semihosting as a channel", (spec) => spec.semihosting],
  // Lockup is a state of Arm's M profile alone; a board names its core in its title.
  ["a lock-up that does not end the emulator", (spec) => /Cortex-M/.test(spec.title)],
];

/** docs/boards.md: a row for each board of the repository. */
export function generateBoards(): Generated {
  const boards = readBoards();
  const rows = boards.map(({ metadata, spec }) => [
    `[${metadata.name}](../${MANIFESTS}/${metadata.name}.yaml)`,
    spec.title,
    `${spec.emulator.binary} ${spec.emulator.minVersion}`,
    String(spec.uarts.length),
    resetLines(spec),
    spec.firmware.formats.join(", "),
    spec.boot.proven.join(", ") || "-",
    spec.endings.join(", "),
  ]);
  const text = [
    INTRODUCTION,
    table(["board", "what it is", "emulator, least version", "UARTs", "reset by", "firmware", "starts", "ends"], rows),
    "",
    PINS,
    table(PIN_COLUMNS, boards.flatMap(pinsOf)),
    "",
    DISPLAYS,
    table(["board", "display", "comes with"], boards.flatMap(displayOf)),
    "",
    DEBUGGERS,
    table(["boards", "program", "missing"], debuggersOf(boards)),
    "",
    STORAGE,
    table(["board", "storage", "size", "what it is"], boards.flatMap(storageOf)),
    "",
    UNPROVEN,
    table(["board", "start", "why not"], boards.flatMap(unprovenOf)),
    "",
    WITHOUT_OURS,
    table(["board", ...MISSING.map(([what]) => what)], boards.map(missingWithStock)),
    "",
  ].join("\n");
  return { files: new Map([[PAGE, text]]) };
}

/** Lines of the first UART that reset the board. */
function resetLines({ uarts }: BoardSpec): string {
  const lines = Object.entries(uarts[0]?.controlLines ?? {}).filter(([, target]) => target?.startsWith("reset"));
  return lines.map(([line]) => (line === "break" ? line : line.toUpperCase())).join(", ") || "-";
}

function displayOf({ metadata, spec: { display } }: Board): string[][] {
  if (!display) return [];
  const device = display.device?.split(",")[0];
  return [[metadata.name, display.description ?? "-", device === undefined ? "the machine" : `the device ${device}`]];
}

/** A row for all boards that have the same. */
function debuggersOf(boards: readonly Board[]): string[][] {
  const rows = Map.groupBy(boards, ({ spec }) => DEBUGGER_OF[spec.architecture] ?? USUAL_DEBUGGER);
  return [...rows].map(([row, those]) => [those.map(({ metadata }) => metadata.name).join(", "), ...row]);
}

function storageOf({ metadata, spec: { storage = [] } }: Board): string[][] {
  return storage.map(({ name, sizeKiB, description }) => {
    const size = sizeKiB >= 1024 ? `${sizeKiB / 1024} MiB` : `${sizeKiB} KiB`;
    return [metadata.name, name, size, description ?? (name === "sd" ? "its card" : "-")];
  });
}

function unprovenOf({ metadata, spec: { boot } }: Board): string[][] {
  return Object.entries(boot.unproven).map(([way, why]) => [metadata.name, way, why]);
}

const PIN_COLUMNS = ["board", "driver", "lines", "seen", "driven", "interrupts", "stock QEMU", "ours"];

function pinsOf({ metadata, spec }: Board): string[][] {
  const { gpio } = spec;
  if (!gpio) return [];
  const [stock, ours] = [false, true].map((isFarmEmulator) => gpioAbilities(gpio, { isFarmEmulator }));
  if (!stock || !ours) return [];
  const lines = new GpioLines(metadata.name, gpio).all;
  const named = lines.flatMap(({ label }) => label ?? []);
  const ports = (one: GpioAbilities) => (one.ports === "all" ? "all ports" : "one port at a time");
  const hasOurs = spec.boot.proven.includes("recycle");
  return [
    [
      metadata.name,
      gpio.driver,
      `${lines.length}${named.length > 0 ? `: ${named.join(", ")}` : ""}`,
      stock.observes,
      stock.drives ? "yes" : "no",
      stock.raisesInterrupts ? "yes" : "no",
      ports(stock),
      hasOurs ? `${ports(ours)}${ours.timestamps ? ", the guest's time" : ""}` : "-",
    ],
  ];
}

function missingWithStock({ metadata, spec }: Board): string[] {
  const hasOurs = spec.boot.proven.includes("recycle");
  return [metadata.name, ...MISSING.map(([, isMissing]) => (hasOurs && isMissing(spec) ? "missing" : "-"))];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function readBoards(): Board[] {
  const folder = join(projectFolder, MANIFESTS);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => board.parse(parse(readFileSync(join(folder, name), "utf8"))));
}
