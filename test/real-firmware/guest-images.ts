import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { thisDistribution } from "../../scripts/setup/distribution.mjs";
import { ownCacheFolder } from "../../scripts/setup/folders.mjs";
import { guestImagesFolder } from "../../scripts/setup/guest-images.mjs";
import type { Image } from "../boards/board-lab.ts";
import { busyboxInitramfs } from "./initramfs.ts";

/** Where firmware that others wrote was unpacked; undefined where this distribution has none, or it was not fetched. */
export function guestImages(): GuestImages | undefined {
  const folder = guestImagesFolder(thisDistribution(), ownCacheFolder());
  return folder !== undefined && existsSync(folder) ? new GuestImages(folder) : undefined;
}

/** The packages' images, found wherever this release of the distribution has them. */
export class GuestImages {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  microPython(): Image {
    return { bytes: this.#read("firmware/usr/share/firmware-microbit-micropython/firmware.hex") };
  }

  /** @param target such as qemu_arm64 */
  uBoot(target: string): Image {
    return { bytes: this.#read(`firmware/usr/lib/u-boot/${target}/u-boot.bin`), format: "bin" };
  }

  /**
   * Debian's kernel with a RAM disk that ends in a shell.
   * @param dtb device tree among the kernel's, such as broadcom/bcm2837-rpi-3-b.dtb
   */
  linux(architecture: "arm64" | "amd64", dtb?: string): Image {
    const boot = join(architecture, "boot");
    const kernel = this.#only(boot, /^vmlinuz-/);
    const trees = join(architecture, "usr/lib", `linux-image-${kernel.replace("vmlinuz-", "")}`);
    const busybox = ["bin/busybox", "usr/bin/busybox"]
      .map((path) => join(architecture, path))
      .find((path) => existsSync(join(this.#folder, path)));
    return {
      bytes: this.#read(join(boot, kernel)),
      format: "linux",
      initrd: busyboxInitramfs(this.#read(busybox ?? join(architecture, "bin/busybox"))),
      ...(dtb !== undefined && { dtb: this.#read(join(trees, dtb)) }),
    };
  }

  #read(path: string): Buffer {
    return readFileSync(join(this.#folder, path));
  }

  #only(folder: string, pattern: RegExp): string {
    const [name] = readdirSync(join(this.#folder, folder)).filter((one) => pattern.test(one));
    if (name === undefined) throw new Error(`nothing in ${folder} is called ${pattern}`);
    return name;
  }
}
