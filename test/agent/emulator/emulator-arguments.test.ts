import { expect, test } from "vitest";
import { type EmulatorArguments, emulatorArguments } from "../../../src/agent/emulator/emulator-arguments.ts";
import { type BoardSpecInput, boardSpec } from "../../../src/core/schema/board.ts";
import { readBoards } from "../../boards/manifests.ts";

function argumentsOf(spec: Partial<BoardSpecInput> = {}, launch: Partial<EmulatorArguments> = {}): string {
  const board = boardSpec.parse({
    title: "A board",
    architecture: "arm",
    emulator: { binary: "qemu-system-arm", minVersion: "7.2", machine: "virt" },
    memory: { ramMiB: 16 },
    uarts: [{ name: "uart0", index: 0 }],
    firmware: { formats: ["elf", "bin", "hex", "linux"], load: "kernel", linux: { append: "console=ttyS0" } },
    endings: ["none"],
    ...spec,
  });
  return emulatorArguments({
    board,
    firmware: undefined,
    start: "image",
    isSemihostingConfined: false,
    accelerator: "tcg",
    hasSandbox: true,
    qmpFd: 3,
    uartFds: board.uarts.map((_, place) => 4 + place),
    network: "none",
    onReset: "continue",
    hasDisplay: false,
    ...launch,
  }).join(" ");
}

const image = "/firmware/fw";
const base = { binary: "qemu-system-arm", minVersion: "7.2", machine: "virt" };
const formats: BoardSpecInput["firmware"]["formats"] = ["elf", "bin", "hex"];

test("nothing of the host is there by default", () => {
  const args = argumentsOf();
  expect(args).toContain("-nodefaults -no-user-config -display none -monitor none");
  expect(args).toContain("-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
  expect(args).not.toMatch(/netdev|semihosting|drive/);
});

test("an emulator without sandbox is not asked for one", () => {
  expect(argumentsOf({}, { hasSandbox: false })).not.toContain("-sandbox");
});

test("semihosting leads to a debugger that is never there, and is on only where the board says so", () => {
  const boards = readBoards();
  expect(boards.length).toBeGreaterThan(20);
  for (const { spec } of boards) {
    const args = argumentsOf(spec);
    expect(args.includes("-semihosting-config enable=on,target=gdb")).toBe(spec.semihosting);
    expect(args).not.toMatch(/target=(native|auto)/);
  }
});

test("an emulator that confines semihosting answers it itself, with its text on a channel where there is one", () => {
  const launch = { isSemihostingConfined: true };
  const confined = "-semihosting-config enable=on,target=native,confined=on,arg=firmware";
  expect(argumentsOf({ semihosting: true }, launch)).toMatch(new RegExp(`${confined}$`));
  expect(argumentsOf({ semihosting: true }, { ...launch, semihostingFd: 5 })).toContain(
    `-chardev socket,id=semihosting,fd=5 ${confined},chardev=semihosting`,
  );
  expect(argumentsOf({}, launch)).not.toContain("semihosting");
});

test("serial ports that are no UART of the board lead nowhere", () => {
  const args = argumentsOf({
    uarts: [
      { name: "console", index: 3 },
      { name: "uart1", index: 1 },
    ],
  });
  expect(args).toContain(
    "-serial null -chardev socket,id=serial1,fd=5 -serial chardev:serial1 -serial null " +
      "-chardev socket,id=serial3,fd=4 -serial chardev:serial3",
  );
});

test.each<[string, Partial<BoardSpecInput>, Partial<EmulatorArguments>, string, string?]>([
  ["memory", {}, {}, "-m 16M"],
  ["memory that is fixed", { memory: { ramMiB: 16, isFixed: true } }, {}, "-machine virt", "-m 16M"],
  ["CPU and their number", { emulator: { ...base, cpu: "max", cpus: 4 } }, {}, "-cpu max -smp 4"],
  ["KVM", {}, { accelerator: "kvm" }, "-accel kvm", "tb-size"],
  ["a bounded buffer of translated code", {}, {}, "-accel tcg,tb-size=64"],
  ["an ELF as kernel", {}, { firmware: { image, format: "elf" } }, "-kernel /firmware/fw", "-bios"],
  [
    "an ELF as kernel beside no firmware of the machine",
    { emulator: { ...base, bios: "none" } },
    { firmware: { image, format: "elf" } },
    "-bios none -kernel /firmware/fw",
  ],
  [
    "a raw image in place of the machine's firmware",
    { emulator: { ...base, bios: "none" }, firmware: { formats, load: "kernel", loadByFormat: { bin: "bios" } } },
    { firmware: { image, format: "bin" } },
    "-bios /firmware/fw",
    "-bios none",
  ],
  [
    "a raw image at its address",
    { firmware: { formats, load: "loader", loadAddress: "0x8000" } },
    { firmware: { image: "/a,b", format: "bin" } },
    "-device loader,file=/a,,b,force-raw=on,addr=0x8000",
  ],
  [
    "a hex file, which has its addresses",
    { firmware: { formats, load: "kernel", loadByFormat: { hex: "loader" } } },
    { firmware: { image, format: "hex" } },
    "-device loader,file=/firmware/fw",
    "addr=",
  ],
  [
    "a flash",
    { firmware: { formats, load: "pflash", flashSizeKiB: 4 } },
    { firmware: { image, format: "bin" } },
    "-drive if=pflash,format=raw,file=/firmware/fw",
  ],
  [
    "Linux with the board's command line",
    {},
    { firmware: { image, format: "linux" } },
    "-kernel /firmware/fw -append console=ttyS0",
  ],
  [
    "Linux with all that it may bring",
    {},
    { firmware: { image, format: "linux", initrd: "/i", dtb: "/d", append: "quiet" } },
    "-kernel /firmware/fw -initrd /i -dtb /d -append quiet",
  ],
  [
    "a network that leads nowhere",
    { network: { device: "virtio-net-device" } },
    { network: "isolated" },
    "-netdev user,id=net0,restrict=on -device virtio-net-device,netdev=net0",
  ],
  [
    "a network that reaches out",
    { network: { device: "virtio-net-device" } },
    { network: "egress" },
    "-netdev user,id=net0,restrict=off -device virtio-net-device,netdev=net0",
  ],
  ["a board with a network, unused", { network: { device: "e1000" } }, {}, "-machine virt", "-netdev"],
  ["a reset that is the end", {}, { onReset: "end" }, "-no-reboot"],
  [
    "devices",
    { emulator: { ...base, devices: ["isa-debug-exit,iobase=0xf4"] } },
    {},
    "-device isa-debug-exit,iobase=0xf4",
  ],
  ["raw arguments", { emulator: { ...base, args: ["-icount", "3"] } }, {}, "-icount 3"],
])("%s", (_, spec, launch, expected, absent) => {
  const args = argumentsOf(spec, launch);
  expect(args).toContain(expected);
  if (absent) expect(args).not.toContain(absent);
});
