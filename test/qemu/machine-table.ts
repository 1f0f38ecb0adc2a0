/** How the tests start a machine: the board's folder of images, and what its emulator is told. */
export interface MachineKind {
  readonly board: string;
  readonly target: string;
  readonly args: readonly string[];
  /** How it is told of an image when it is started. */
  readonly load: "-kernel" | "-bios";
  /** Only guests that can end by themselves say when they have. */
  readonly hasEnd: boolean;
}

function kind(board: string, target: string, args: string, more: Partial<MachineKind> = {}): MachineKind {
  return { board, target, args: args.split(" "), load: "-kernel", hasEnd: true, ...more };
}

const AVR: Partial<MachineKind> = { load: "-bios", hasEnd: false };

export const MACHINES: readonly MachineKind[] = [
  kind("mps2-an385", "arm", "-M mps2-an385"),
  kind("mps2-an386", "arm", "-M mps2-an386"),
  kind("mps2-an500", "arm", "-M mps2-an500"),
  kind("mps2-an505", "arm", "-M mps2-an505"),
  kind("mps2-an511", "arm", "-M mps2-an511"),
  kind("mps2-an521", "arm", "-M mps2-an521 -smp 2"),
  kind("mps3-an547", "arm", "-M mps3-an547"),
  kind("b-l475e-iot01a", "arm", "-M b-l475e-iot01a"),
  kind("lm3s6965evb", "arm", "-M lm3s6965evb"),
  kind("microbit", "arm", "-M microbit"),
  kind("netduinoplus2", "arm", "-M netduinoplus2"),
  kind("olimex-stm32-h405", "arm", "-M olimex-stm32-h405"),
  kind("stm32vldiscovery", "arm", "-M stm32vldiscovery"),
  kind("raspi2b", "arm", "-M raspi2b -smp 4"),
  kind("raspi3b", "aarch64", "-M raspi3b -smp 4"),
  kind("arm-virt", "aarch64", "-M virt -cpu cortex-a57 -m 128"),
  kind("riscv32-virt", "riscv32", "-M virt -bios none"),
  kind("riscv64-virt", "riscv64", "-M virt -bios none"),
  kind("sifive-e", "riscv32", "-M sifive_e"),
  kind("sifive-u", "riscv64", "-M sifive_u -smp 2 -bios none"),
  kind("uno", "avr", "-M uno", AVR),
  kind("mega", "avr", "-M mega", AVR),
];

/** Those of the table, in the order asked for. */
export function machines(...boards: string[]): MachineKind[] {
  return boards.map((board) => {
    const found = MACHINES.find((one) => one.board === board);
    if (found === undefined) throw new Error(`no machine ${board} in the table`);
    return found;
  });
}
