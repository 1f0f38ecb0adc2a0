import { board } from "./manifest-builders.ts";
import { type RefusedAtApply, refused, unfinished } from "./refused-at-apply.ts";

export const REFUSED_BOARDS: readonly RefusedAtApply[] = [
  refused(
    "raw arguments in a namespace",
    board({ emulator: { args: ["-S"] } }, "Board"),
    "spec.emulator.args: Invalid value: raw emulator arguments are allowed in a ClusterBoard only",
  ),
  refused(
    "a device that reads the host's files",
    board({ emulator: { devices: ["loader,file=/etc/passwd,addr=0"] } }, "Board"),
    "spec.emulator.devices: Invalid value: devices that reach files or devices of the host are allowed in a ClusterBoard only",
  ),
  refused(
    "a device of the host",
    board({ emulator: { devices: ["vfio-pci"] } }, "Board"),
    "spec.emulator.devices: Invalid value: devices that reach files or devices of the host are allowed in a ClusterBoard only",
  ),
  refused(
    "a machine that writes the host's files",
    board({ emulator: { machine: "virt,dumpdtb=/data/dtb" } }, "Board"),
    "spec.emulator.machine: Invalid value: a machine that reaches files of the host is allowed in a ClusterBoard only",
  ),
  refused(
    "a network device that reads the host's files",
    board({ network: { device: "e1000,romfile=/etc/passwd" } }, "Board"),
    "spec.network.device: Invalid value: a network device that reaches files or devices of the host is allowed in a ClusterBoard only",
  ),
  refused(
    "a board without UARTs",
    board({ uarts: [] }),
    "spec.uarts: Invalid value: 0: spec.uarts in body should have at least 1 items",
  ),
  refused(
    "two UARTs of one name",
    board({
      uarts: [
        { name: "uart0", index: 0 },
        { name: "uart0", index: 1 },
      ],
    }),
    'spec.uarts[1]: Duplicate value: {"name":"uart0"}',
  ),
  refused(
    "two UARTs in one place",
    board({
      uarts: [
        { name: "uart0", index: 0 },
        { name: "uart1", index: 0 },
      ],
    }),
    "spec.uarts: Invalid value: two UARTs have the same index",
  ),
  refused(
    "a ready pattern on no UART",
    board({ ready: { uart: "uart7", pattern: "ready" } }),
    "spec.ready.uart: Invalid value: ready.uart is none of the board's UARTs",
  ),
  refused(
    "a ready pattern that looks ahead",
    board({ ready: { uart: "uart0", pattern: "(?=ready)" } }),
    'spec.ready.pattern: Invalid value: "string": error parsing regexp: invalid or unsupported Perl syntax: `(?=` evaluating rule: must be a regular expression in RE2 syntax',
  ),
  refused(
    "Linux without a command line",
    board({ firmware: { formats: ["linux"] } }),
    "spec.firmware.linux: Invalid value: is required for format linux",
  ),
  refused(
    "flash of no size",
    board({ firmware: { load: "pflash" } }),
    "spec.firmware.flashSizeKiB: Invalid value: is required for load: pflash",
  ),
  refused(
    "flash of no size, for one format",
    board({ firmware: { loadByFormat: { bin: "pflash" } } }),
    "spec.firmware.flashSizeKiB: Invalid value: is required for load: pflash",
  ),
  refused(
    "an end by calls that are off",
    board({ endings: ["semihosting"] }),
    "spec.semihosting: Invalid value: must be true for a board whose endings have semihosting",
  ),
  refused("an end twice", board({ endings: ["reset", "reset"] }), 'spec.endings[1]: Duplicate value: "reset"'),
  refused(
    "a program by its path",
    board({ emulator: { binary: "/usr/bin/qemu-system-arm" } }),
    'spec.emulator.binary: Invalid value: "/usr/bin/qemu-system-arm": must be the name of a program, without a path',
  ),
  refused(
    "a machine's firmware by its path",
    board({ emulator: { bios: "/etc/passwd" } }),
    'spec.emulator.bios: Invalid value: "/etc/passwd": must be none, default, or the name of a file, without a path',
  ),
  refused(
    "a version in words",
    board({ emulator: { minVersion: "latest" } }),
    'spec.emulator.minVersion: Invalid value: "latest": must be a version such as 7.2 or 10.0.2',
  ),
  refused(
    "an address that is none",
    board({ memory: { regions: [{ name: "flash", base: "0xzz", sizeKiB: 4 }] } }),
    'spec.memory.regions[0].base: Invalid value: "0xzz": must be a number or hexadecimal text such as 0x8000000',
  ),
  refused(
    "a negative address",
    board({ memory: { regions: [{ name: "flash", base: -1, sizeKiB: 4 }] } }),
    "spec.memory.regions[0].base: Invalid value: -1: spec.memory.regions[0].base in body should be greater than or equal to 0",
  ),
  refused(
    "time that stands still",
    board({ timeoutMultiplier: 0 }),
    "spec.timeoutMultiplier: Invalid value: 0: spec.timeoutMultiplier in body should be greater than 0",
  ),
  refused(
    "an architecture that there is not",
    board({ architecture: "z80" }),
    unfinished(
      'spec.architecture: Unsupported value: "z80": supported values: "arm", "aarch64", "riscv32", "riscv64", "avr", "x86_64", "xtensa"',
    ),
  ),
];
