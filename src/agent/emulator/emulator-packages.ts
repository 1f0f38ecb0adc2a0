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

/** What a person can do to have an emulator. */
export function installHint(binary: string): string {
  const name = PACKAGES[binary];
  return name === undefined ? `put ${binary} into a folder of EMUFARM_QEMU_PATH or PATH` : `apt-get install ${name}`;
}

/** The same where the one that is here is too old; the farm's own comes in no package. */
export function updateHint(binary: string, minVersion: string, { isOurs }: { readonly isOurs: boolean }): string {
  const name = PACKAGES[binary];
  const wanted = `${minVersion} or later`;
  const put = `put ${binary} ${wanted} into a folder of EMUFARM_QEMU_PATH`;
  if (isOurs) return `npm run qemu, which builds the farm's own anew, or ${put}`;
  if (name === undefined) return `${put} or PATH`;
  return `${name} ${wanted} from your distribution's backports, or put ${binary} into a folder of EMUFARM_QEMU_PATH`;
}
