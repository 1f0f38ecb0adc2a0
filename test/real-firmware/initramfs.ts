/**
 * A RAM disk for Linux that ends in a shell on the console: busybox, and a script as init. Written in the "newc"
 * format of cpio, which the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst); being written
 * here it needs neither cpio nor root, and is the same each time.
 */

interface Entry {
  path: string;
  mode: number;
  data?: Buffer;
  /** Major and minor number of a device. */
  device?: readonly [number, number];
}

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const SYMLINK = 0o120777;
const CHARACTER_DEVICE = 0o020600;

const INIT = `#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo "init done"
while true; do sh; done
`;

/** The RAM disk with this busybox, uncompressed. */
export function busyboxInitramfs(busybox: Buffer): Buffer {
  const folders = ["bin", "dev", "proc", "sys"].map((path) => ({ path, mode: DIRECTORY }));
  const entries: Entry[] = [
    ...folders,
    { path: "bin/busybox", mode: EXECUTABLE, data: busybox },
    { path: "bin/sh", mode: SYMLINK, data: Buffer.from("busybox") },
    { path: "dev/console", mode: CHARACTER_DEVICE, device: [5, 1] },
    { path: "init", mode: EXECUTABLE, data: Buffer.from(INIT) },
  ];
  const end: Entry = { path: "TRAILER!!!", mode: 0 };
  return Buffer.concat([...entries, end].map((entry, index) => newc(entry, index + 1)));
}

function newc({ path, mode, data = Buffer.alloc(0), device = [0, 0] }: Entry, inode: number): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, device[0], device[1], name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return Buffer.concat([padded(Buffer.concat([header, name])), padded(data)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
