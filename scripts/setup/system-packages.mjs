import { accessSync, constants, existsSync, statSync } from "node:fs";
import { arch } from "node:process";

/** @typedef {import("./distribution.mjs").Distribution} Distribution */

/**
 * @typedef {object} Requirement
 * @property {string} what for people
 * @property {readonly string[]} [commands] all of them must be in PATH
 * @property {readonly string[]} [anyCommand] one of them must be in PATH
 * @property {readonly string[]} [anyFile] one of them must exist
 * @property {(distribution: Distribution) => string} packageName
 */

/** Debian split the RISC-V emulators off qemu-system-misc in QEMU 9.2; Debian 13 was the first release with that. */
const hasOwnRiscvPackage = (/** @type {Distribution} */ { id, version }) =>
  id === "ubuntu" ? version >= 25.04 : !(version < 13);

/** @type {readonly Requirement[]} */
const toRun = [
  {
    what: "QEMU for Arm",
    commands: ["qemu-system-arm", "qemu-system-aarch64"],
    packageName: () => "qemu-system-arm",
  },
  {
    what: "QEMU for RISC-V",
    commands: ["qemu-system-riscv32", "qemu-system-riscv64"],
    packageName: (distribution) => (hasOwnRiscvPackage(distribution) ? "qemu-system-riscv" : "qemu-system-misc"),
  },
  {
    what: "QEMU for AVR",
    commands: ["qemu-system-avr"],
    packageName: () => "qemu-system-misc",
  },
  {
    what: "QEMU for x86",
    commands: ["qemu-system-x86_64"],
    packageName: () => "qemu-system-x86",
  },
  {
    what: "Redis",
    anyCommand: ["redis-server", "valkey-server"],
    packageName: () => "redis-server",
  },
  {
    what: "OpenSBI, which RISC-V machines start by default",
    anyFile: [
      "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin",
      "/usr/share/opensbi/lp64/generic/firmware/fw_dynamic.bin",
    ],
    packageName: () => "opensbi",
  },
];

/** The test firmware is built from its sources. @type {readonly Requirement[]} */
const toCompile = [
  { what: "make", commands: ["make"], packageName: () => "make" },
  { what: "a C compiler for Arm", commands: ["arm-none-eabi-gcc"], packageName: () => "gcc-arm-none-eabi" },
  {
    what: "a C compiler for RISC-V",
    commands: ["riscv64-unknown-elf-gcc"],
    packageName: () => "gcc-riscv64-unknown-elf",
  },
  {
    what: "a C compiler for AArch64",
    commands: ["aarch64-linux-gnu-gcc"],
    packageName: () => (arch === "arm64" ? "gcc" : "gcc-aarch64-linux-gnu"),
  },
  {
    what: "a C compiler for x86-64",
    commands: ["x86_64-linux-gnu-gcc"],
    packageName: () => (arch === "x64" ? "gcc" : "gcc-x86-64-linux-gnu"),
  },
  { what: "a C compiler for AVR", commands: ["avr-gcc"], packageName: () => "gcc-avr" },
  { what: "the C library for AVR", anyFile: ["/usr/lib/avr/include/avr/io.h"], packageName: () => "avr-libc" },
];

const header = (/** @type {string} */ what, /** @type {string} */ file, /** @type {string} */ name) => ({
  what: `${what}, with its headers`,
  anyFile: [`/usr/include/${file}`],
  packageName: () => name,
});

const pythonEnvironments = {
  what: "Python's virtual environments",
  anyFile: Array.from({ length: 12 }, (_, index) => `/usr/lib/python3.${8 + index}/ensurepip/__init__.py`),
  packageName: () => "python3-venv",
};

/** What compiles the farm's own QEMU. @type {readonly Requirement[]} */
export const toBuildQemu = [
  { what: "a C compiler", commands: ["gcc"], packageName: () => "gcc" },
  header("the C library", "stdio.h", "libc6-dev"),
  { what: "ninja", commands: ["ninja"], packageName: () => "ninja-build" },
  { what: "pkg-config", commands: ["pkg-config"], packageName: () => "pkg-config" },
  { what: "flex", commands: ["flex"], packageName: () => "flex" },
  { what: "bison", commands: ["bison"], packageName: () => "bison" },
  { what: "patch", commands: ["patch"], packageName: () => "patch" },
  { what: "xz", commands: ["xz"], packageName: () => "xz-utils" },
  { what: "Python", anyFile: ["/usr/bin/python3"], packageName: () => "python3" },
  pythonEnvironments,
  header("GLib", "glib-2.0/glib.h", "libglib2.0-dev"),
  header("pixman", "pixman-1/pixman.h", "libpixman-1-dev"),
  header("libpng", "png.h", "libpng-dev"),
  header("libseccomp", "seccomp.h", "libseccomp-dev"),
  header("libslirp", "slirp/libslirp.h", "libslirp-dev"),
  header("libfdt", "libfdt.h", "libfdt-dev"),
  header("zlib", "zlib.h", "zlib1g-dev"),
];

/** What the machines of a cluster take from the distribution. @type {readonly Requirement[]} */
export const toRunCluster = [
  { what: "runc", commands: ["runc"], packageName: () => "runc" },
  { what: "nftables", commands: ["nft"], packageName: () => "nftables" },
  { what: "the tools for links and routes", commands: ["ip"], packageName: () => "iproute2" },
  { what: "the tools for namespaces", commands: ["unshare", "nsenter"], packageName: () => "util-linux" },
];

/** Debuggers, as people have them: one for all architectures but AVR, and AVR's. @type {readonly Requirement[]} */
const toDebug = [
  { what: "GDB", commands: ["gdb-multiarch"], packageName: () => "gdb-multiarch" },
  { what: "GDB for AVR", commands: ["avr-gdb"], packageName: () => "gdb-avr" },
];

/** The examples of how other tools use emufarm are run with those tools. @type {readonly Requirement[]} */
const toRunExamples = [
  { what: "Rust", commands: ["cargo", "rustc"], packageName: () => "cargo" },
  { what: "CMake", commands: ["cmake", "ctest"], packageName: () => "cmake" },
  { what: "Python, for west", commands: ["python3"], packageName: () => "python3" },
];

/** Clocks that are wrong, and a registry that images are pulled from. @type {readonly Requirement[]} */
const toProveClusters = [
  {
    what: "libfaketime, for clocks that differ",
    anyFile: ["x86_64", "aarch64"].map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketime.so.1`),
    packageName: () => "libfaketime",
  },
  { what: "an image registry", commands: ["docker-registry"], packageName: () => "docker-registry" },
];

/** Tools that people use with boards: the tests run them unchanged. @type {readonly Requirement[]} */
const toolsOfTheTrade = [
  pythonEnvironments,
  { what: "picocom", commands: ["picocom"], packageName: () => "picocom" },
  { what: "tio", commands: ["tio"], packageName: () => "tio" },
  { what: "netcat", commands: ["nc"], packageName: () => "netcat-openbsd" },
  { what: "socat, for pseudo-terminals", commands: ["socat"], packageName: () => "socat" },
  { what: "gensiot, which speaks RFC 2217", commands: ["gensiot"], packageName: () => "gensio-bin" },
];

/** What each command of the project needs from the distribution. */
export const requirements = {
  start: toRun,
  bench: [...toRun, ...toCompile, ...toDebug],
  test: [...toRun, ...toCompile, ...toDebug, ...toRunExamples, ...toolsOfTheTrade, ...toProveClusters],
  check: /** @type {readonly Requirement[]} */ ([]),
  // These ask for what they need once they know that they have to build.
  qemu: /** @type {readonly Requirement[]} */ ([]),
  cluster: /** @type {readonly Requirement[]} */ ([]),
};

/**
 * @typedef {object} Machine how a system is looked at; tests pass one of their own
 * @property {(command: string) => boolean} hasCommand
 * @property {(path: string) => boolean} hasFile
 */

/**
 * The packages that are missing, each once, in the order of the list.
 *
 * @param {readonly Requirement[]} needed
 * @param {Distribution} distribution
 * @param {Machine} machine
 */
export function missingPackages(needed, distribution, machine) {
  const missing = needed.filter(
    ({ commands = [], anyCommand, anyFile }) =>
      !commands.every(machine.hasCommand) ||
      (anyCommand !== undefined && !anyCommand.some(machine.hasCommand)) ||
      (anyFile !== undefined && !anyFile.some(machine.hasFile)),
  );
  return [...new Set(missing.map(({ packageName }) => packageName(distribution)))];
}

/**
 * Looks at the running system by the file system alone: no process is started.
 *
 * @param {string} path the value of PATH
 * @returns {Machine}
 */
export function machineAt(path) {
  const folders = path.split(":").filter((folder) => folder !== "");
  return {
    hasCommand: (command) => folders.some((folder) => isExecutable(`${folder}/${command}`)),
    hasFile: existsSync,
  };
}

function isExecutable(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not ours to run: both mean that the command is missing.
    return false;
  }
}
