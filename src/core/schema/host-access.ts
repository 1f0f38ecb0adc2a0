/**
 * Options of an emulator that reach a file, a device, a socket or a process of the host. What has one is refused where
 * the namespace's own people write it. The same text serves JavaScript and RE2 (CEL).
 */
export const HOST_ACCESS_PATTERN = [
  // The driver itself is a device of the host.
  "^\\s*(vfio|usb-host|usb-mtp|scsi-block|scsi-generic|vhost|ivshmem|virtio-9p|u2f-passthru|tpm-)",
  // Options in JSON hide their names from the rest of this pattern.
  "^\\s*[{]",
  // A property that names something of the host, with a value.
  "(^|,)[-a-z0-9_.]*(file|path|host|hostdev|hostbus|hostaddr|fd|chardev|drive|dumpdtb|dtb|kernel|initrd|firmware|memdev|memory-backend)=[^,]",
].join("|");

const hostAccess = new RegExp(HOST_ACCESS_PATTERN);

/** Whether the text of an emulator's option reaches something of the host. */
export function reachesHost(option: string): boolean {
  return hostAccess.test(option);
}
