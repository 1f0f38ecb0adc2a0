/** Debian's package for each emulator program. */
const PACKAGES: Readonly<Record<string, string>> = {
  "qemu-system-arm": "qemu-system-arm",
  "qemu-system-aarch64": "qemu-system-arm",
  "qemu-system-avr": "qemu-system-misc",
  "qemu-system-xtensa": "qemu-system-misc",
  "qemu-system-riscv32": "qemu-system-misc",
  "qemu-system-riscv64": "qemu-system-misc",
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-system-i386": "qemu-system-x86",
};

/** What a person can do to have an emulator, of a least version where one is named. */
export function installHint(binary: string, minVersion?: string): string {
  const name = PACKAGES[binary];
  const wanted = minVersion === undefined ? "" : ` ${minVersion} or later`;
  if (name === undefined) return `put ${binary}${wanted} into a folder of EMUFARM_QEMU_PATH or PATH`;
  if (minVersion === undefined) return `apt-get install ${name}`;
  return `${name}${wanted} from your distribution's backports, or put ${binary} into a folder of EMUFARM_QEMU_PATH`;
}
