import { GpioLines, lineInWords } from "../../core/gpio/gpio-line.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import { directionsOf } from "../../core/schema/board-gpio.ts";
import { BOOT_STRATEGIES } from "../../core/schema/boot-strategy.ts";
import type { BoardStatus } from "../../core/wire/farm.ts";
import { textTable } from "../screen/table.ts";

type Row = [string, string];

/** All about a board, for people. */
export function boardText({ name, spec, isAvailable, emulator, error }: BoardStatus): string {
  const here = isAvailable
    ? `can run on ${emulator?.binary} ${emulator?.version}`
    : (error?.message ?? "not available");
  return textTable([
    ["board", name],
    ["title", spec.title],
    ...optional("what", spec.description),
    ["here", here],
    ["emulator", emulatorText(spec)],
    ["cpu", `${spec.architecture}${spec.emulator.cpu === undefined ? "" : `, ${spec.emulator.cpu}`}`],
    ...memoryRows(spec.memory),
    ...block(
      "uarts",
      spec.uarts.map(({ name: uart, description }) => (description === undefined ? uart : `${uart}: ${description}`)),
    ),
    ...pinRows(name, spec.gpio),
    ["firmware", `${spec.firmware.formats.join(", ")}${elfText(spec.firmware)}`],
    ["endings", spec.endings.join(", ")],
    ...bootRows(spec.boot),
    [
      "ready",
      spec.ready ? `/${spec.ready.pattern}/ on ${spec.ready.uart}` : "as soon as it runs: it has no ready pattern",
    ],
    ["network", spec.network ? `${spec.network.device}, where a job asks for it` : "none"],
    ...optional("timeouts", spec.timeoutMultiplier === 1 ? undefined : `times ${spec.timeoutMultiplier}`),
  ]);
}

function emulatorText({ emulator }: BoardSpec): string {
  const { binary, minVersion, machine, cpus, accelerators } = emulator;
  const processors = cpus === 1 ? "" : `, ${cpus} CPUs`;
  return `${binary} ${minVersion} or later, machine ${machine}${processors}, ${accelerators.join(" or ")}`;
}

function memoryRows({ ramMiB, regions }: BoardSpec["memory"]): Row[] {
  const nameWidth = Math.max(0, ...regions.map(({ name }) => name.length));
  return block("memory", [
    `${ramMiB} MiB${regions.length === 0 ? "; an image may lie anywhere" : "; an image may lie in"}`,
    ...regions.map(({ name, base, sizeKiB }) => {
      const last = base + sizeKiB * 1_024 - 1;
      return `${name.padEnd(nameWidth)}  ${addressText(base)} to ${addressText(last)}, ${sizeText(sizeKiB)}`;
    }),
  ]);
}

function addressText(address: number): string {
  return `0x${address.toString(16).padStart(8, "0")}`;
}

function sizeText(sizeKiB: number): string {
  return sizeKiB % 1_024 === 0 ? `${sizeKiB / 1_024} MiB` : `${sizeKiB} KiB`;
}

function elfText({ elf }: BoardSpec["firmware"]): string {
  if (elf === undefined) return "";
  const bits = elf.class === undefined ? "" : `, ${elf.class} bits`;
  return ` (an ELF for ${elf.machines.join(" or ")}${bits})`;
}

function bootRows({ proven, unproven }: BoardSpec["boot"]): Row[] {
  const ways = BOOT_STRATEGIES.filter((name) => name === "spawn" || proven.includes(name));
  const others = BOOT_STRATEGIES.flatMap((name) => {
    if (name === "spawn" || proven.includes(name)) return [];
    return [`${name}: not proven${unproven[name] === undefined ? "" : `, ${unproven[name]}`}`];
  });
  return block("boot", [`${ways.join(", ")}: proven`, ...others]);
}

function pinRows(name: string, gpio: BoardSpec["gpio"]): Row[] {
  if (!gpio) return [["pins", "none that can be reached"]];
  const lines = new GpioLines(name, gpio).all;
  const ports = gpio.ports.map(({ prefix, first = 0, lines: count, ...port }) => {
    const directions = directionsOf(port);
    const isBoth = directions.length === 2;
    const can = isBoth ? "seen and driven" : directions.includes("out") ? "seen" : "driven";
    return `${prefix}0 to ${prefix}${count - 1} (${first} to ${first + count - 1}): ${can}`;
  });
  const named = lines.filter(({ label }) => label !== undefined);
  return block("pins", [
    `by driver ${gpio.driver}${gpio.raisesInterrupts ? ", with interrupts" : ""}`,
    ...ports,
    ...named.map((line) => `${lineInWords(line)}${line.description === undefined ? "" : `: ${line.description}`}`),
  ]);
}

/** Lines under one word. */
function block(name: string, lines: readonly string[]): Row[] {
  return lines.map((line, place) => [place === 0 ? name : "", line]);
}

function optional(name: string, value: string | undefined): Row[] {
  return value === undefined ? [] : [[name, value]];
}
