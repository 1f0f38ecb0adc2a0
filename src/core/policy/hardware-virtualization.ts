/**
 * Whether the processor itself can run guests, as /proc/cpuinfo tells. An x86 machine may have /dev/kvm without that,
 * when it is a guest itself: KVM then works by emulation, and is slower than the emulator's own.
 * @param arch as `process.arch` says
 */
export function hasHardwareVirtualization(cpuInfo: string, arch: string): boolean {
  return arch !== "x64" || /^flags\s*:.*\b(vmx|svm)\b/m.test(cpuInfo);
}
