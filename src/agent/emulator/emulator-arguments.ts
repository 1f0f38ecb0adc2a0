import type { BoardSpec, FirmwareFormat } from "../../core/schema/board.ts";
import type { BoardDrive } from "../../core/schema/board-storage.ts";
import type { FirmwareFiles } from "../boot/boot.ts";

/** Denies what an emulator never needs (QEMU's own seccomp filter). */
export const SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/**
 * Translated code of a guest is kept in a buffer of this size. QEMU's own choice is up to 1 GiB, which would count
 * in the limit of memory; a smaller one costs no speed.
 */
const TRANSLATION_BUFFER_MIB = 64;

/**
 * Stock QEMU: calls go to a debugger that is never there; exit codes work, and nothing of the host can be reached. The
 * argument stands in for the path of the image, which the guest could ask for.
 */
const SEMIHOSTING = "enable=on,target=gdb,arg=firmware";
/** Name of the character device behind the channel of what is said by semihosting. */
const SEMIHOSTING_CHARDEV = "semihosting";
/** The farm's own QEMU answers the calls itself, and refuses those that would reach the host. */
const CONFINED_SEMIHOSTING = "enable=on,target=native,confined=on,arg=firmware";

export type EmulatorStart = "image" | "preconfig" | "empty" | "incoming";

export interface EmulatorArguments {
  readonly board: BoardSpec;
  readonly firmware: FirmwareFiles | undefined;
  /**
   * image: with its firmware; preconfig: waits before the machine is made, and gets its firmware then; empty: a machine
   * without firmware; incoming: a machine whose state is restored.
   */
  readonly start: EmulatorStart;
  readonly accelerator: string;
  readonly hasSandbox: boolean;
  /** It answers semihosting itself, without reaching the host. */
  readonly isSemihostingConfined: boolean;
  /** Inherited descriptors of the channels. */
  readonly qmpFd: number;
  /** One for each UART, in the board's order. */
  readonly uartFds: readonly number[];
  /** Where the guest's text by semihosting goes, in an emulator that confines it; without it, nowhere. */
  readonly semihostingFd?: number | undefined;
  readonly network: "none" | "isolated" | "egress";
  readonly onReset: "continue" | "end";
  /** Somebody will look at the board's display. */
  readonly hasDisplay: boolean;
  /** A file as the guest's memory: shared, so that what the guest writes is in it, or each guest's own copy of it. */
  readonly ram?: GuestRam | undefined;
  readonly drives?: readonly InheritedDrive[] | undefined;
}

/** A drive whose file is inherited: the emulator needs no way to where it lies. */
export interface InheritedDrive {
  readonly drive: BoardDrive;
  /** Of one file: open for reading, and open for writing too. */
  readonly fds: readonly number[];
}

export interface GuestRam {
  readonly path: string;
  readonly isShared: boolean;
}

/** QEMU's command line for a board. */
export function emulatorArguments(launch: EmulatorArguments): string[] {
  const { board } = launch;
  return [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none"],
    // The guest waits for QMP's `cont`: a quick one would end before QMP is there to tell how.
    "-S",
    // A guest that is off stays there until the farm ends it: QEMU may hang when it leaves while a command comes in.
    "-no-shutdown",
    ...(launch.hasSandbox ? ["-sandbox", SANDBOX] : []),
    ...machineArguments(board, launch),
    ...board.emulator.devices.flatMap((device) => ["-device", device]),
    ...displayArguments(launch),
    ...firmwareArguments(launch),
    ...["-chardev", `socket,id=qmp,fd=${launch.qmpFd}`, "-mon", "chardev=qmp,mode=control"],
    ...serialArguments(board, launch.uartFds),
    ...networkArguments(board, launch.network),
    ...driveArguments(launch.drives ?? []),
    ...semihostingArguments(launch),
    ...(launch.onReset === "end" ? ["-no-reboot"] : []),
    ...(launch.start === "preconfig" ? ["-preconfig"] : []),
    ...(launch.start === "incoming" ? ["-incoming", "defer"] : []),
    ...board.emulator.args,
  ];
}

/** VNC waits to be told where to listen: nothing does before somebody asks. */
function displayArguments({ board: { display }, hasDisplay }: EmulatorArguments): string[] {
  if (!display || !hasDisplay) return [];
  return [...["-vnc", "none,share=force-shared"], ...(display.device === undefined ? [] : ["-device", display.device])];
}

function semihostingArguments(launch: EmulatorArguments): string[] {
  const { board, isSemihostingConfined, semihostingFd } = launch;
  if (!board.semihosting) return [];
  if (!isSemihostingConfined) return ["-semihosting-config", SEMIHOSTING];
  if (semihostingFd === undefined) return ["-semihosting-config", CONFINED_SEMIHOSTING];
  const chardev = ["-chardev", `socket,id=${SEMIHOSTING_CHARDEV},fd=${semihostingFd}`];
  return [...chardev, "-semihosting-config", `${CONFINED_SEMIHOSTING},chardev=${SEMIHOSTING_CHARDEV}`];
}

function machineArguments({ emulator, memory }: BoardSpec, { accelerator, ram }: EmulatorArguments): string[] {
  return [
    ...(ram === undefined ? [] : ["-object", ramObject(ram, memory.ramMiB)]),
    ...["-machine", ram === undefined ? emulator.machine : `${emulator.machine},memory-backend=mem`],
    ...["-accel", accelerator === "tcg" ? `tcg,tb-size=${TRANSLATION_BUFFER_MIB}` : accelerator],
    ...(emulator.cpu === undefined ? [] : ["-cpu", emulator.cpu]),
    ...(emulator.cpus === 1 ? [] : ["-smp", String(emulator.cpus)]),
    ...(memory.isFixed ? [] : ["-m", `${memory.ramMiB}M`]),
  ];
}

function ramObject({ path, isShared }: GuestRam, sizeMiB: number): string {
  const access = isShared ? "share=on" : "share=off,readonly=on,rom=off";
  return `memory-backend-file,id=mem,size=${sizeMiB}M,mem-path=${escaped(path)},${access}`;
}

/** How an image of this format gets into the board. */
export function loadMethod({ firmware }: BoardSpec, format: FirmwareFormat): BoardSpec["firmware"]["load"] {
  const byFormat: Partial<Record<FirmwareFormat, BoardSpec["firmware"]["load"] | undefined>> = firmware.loadByFormat;
  return byFormat[format] ?? firmware.load;
}

function firmwareArguments({ board, firmware: files, start }: EmulatorArguments): string[] {
  const load = files === undefined || files.format === "linux" ? undefined : loadMethod(board, files.format);
  const bios = board.emulator.bios;
  const hasOwnBios = bios !== undefined && bios !== "default" && load !== "bios";
  // What the machine itself is told of its firmware is told later, where it waits for that.
  const isTold = files === undefined || start === "empty" || (start === "preconfig" && load !== "loader");
  return [...(hasOwnBios ? ["-bios", bios] : []), ...(isTold ? [] : imageArguments(board, files, load))];
}

function imageArguments(
  board: BoardSpec,
  files: FirmwareFiles,
  load: BoardSpec["firmware"]["load"] | undefined,
): string[] {
  switch (load) {
    case undefined:
      return linuxArguments(board, files);
    case "kernel":
      return ["-kernel", files.image];
    case "bios":
      return ["-bios", files.image];
    case "loader":
      return ["-device", loaderDevice(board, files)];
    case "pflash":
      return ["-drive", `if=pflash,format=raw,file=${escaped(files.image)}`];
  }
}

function linuxArguments(board: BoardSpec, files: FirmwareFiles): string[] {
  const append = files.append ?? board.firmware.linux?.append;
  return [
    ...["-kernel", files.image],
    ...(files.initrd === undefined ? [] : ["-initrd", files.initrd]),
    ...(files.dtb === undefined ? [] : ["-dtb", files.dtb]),
    ...(append === undefined ? [] : ["-append", append]),
  ];
}

function loaderDevice({ firmware }: BoardSpec, files: FirmwareFiles): string {
  const file = `loader,file=${escaped(files.image)}`;
  if (files.format !== "bin") return file;
  return `${file},force-raw=on,addr=0x${(firmware.loadAddress ?? 0).toString(16)}`;
}

function driveArguments(drives: readonly InheritedDrive[]): string[] {
  return drives.flatMap(({ drive, fds }, place) => {
    const number = `${drive.interface === "pflash" ? "unit" : "index"}=${drive.unit ?? 0}`;
    const file = `file=/dev/fdset/${place + 1},format=raw`;
    const inherited = fds.flatMap((fd) => ["-add-fd", `fd=${fd},set=${place + 1}`]);
    return [...inherited, "-drive", `if=${drive.interface},${number},${file}`];
  });
}

function serialArguments({ uarts }: BoardSpec, fds: readonly number[]): string[] {
  const fdOf = new Map(uarts.map((uart, place) => [uart.index, fds[place]]));
  const count = Math.max(...uarts.map((uart) => uart.index)) + 1;
  return Array.from({ length: count }, (_, index) => {
    const fd = fdOf.get(index);
    if (fd === undefined) return ["-serial", "null"];
    const id = serialChardev(index);
    return ["-chardev", `socket,id=${id},fd=${fd}`, "-serial", `chardev:${id}`];
  }).flat();
}

/** Name of the character device behind the serial port of this number. */
export function serialChardev(index: number): string {
  return `serial${index}`;
}

/** Name of the character device behind a channel of text (`textChannels`). */
export function chardevOf({ uarts }: BoardSpec, channel: string): string {
  const uart = uarts.find(({ name }) => name === channel);
  return uart ? serialChardev(uart.index) : SEMIHOSTING_CHARDEV;
}

function networkArguments({ network }: BoardSpec, wanted: EmulatorArguments["network"]): string[] {
  if (wanted === "none" || network === undefined) return [];
  const restrict = wanted === "isolated" ? "on" : "off";
  return ["-netdev", `user,id=net0,restrict=${restrict}`, "-device", `${network.device},netdev=net0`];
}

/** QEMU's option parser takes a comma for the end of a value, unless it is doubled. */
function escaped(path: string): string {
  return path.replaceAll(",", ",,");
}
