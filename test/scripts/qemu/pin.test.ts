import { expect, test } from "vitest";
import { targetsOf } from "../../../scripts/qemu/compile.ts";
import { offeredFiles } from "../../../scripts/qemu/pin.ts";

test("What a mirror offers is read from apt's list of addresses, with digests", () => {
  const sha256 = "6a".repeat(32);
  const uris = `Reading package lists...
Need to get 40.2 MB of source archives.
'http://mirror/debian/pool/main/q/qemu/qemu_10.0.13%2bds.orig.tar.xz' qemu_10.0.13+ds.orig.tar.xz 40010016 SHA256:${sha256}
'http://mirror/debian/pool/main/q/qemu/unsigned.tar.xz' unsigned.tar.xz 1 MD5Sum:00
`;
  expect(offeredFiles(uris)).toEqual([
    { path: "pool/main/q/qemu/qemu_10.0.13+ds.orig.tar.xz", bytes: 40_010_016, sha256 },
  ]);
});

test("Targets are those of configure's list, in its order", () => {
  expect(targetsOf(["--enable-tcg", "--target-list=arm-softmmu,avr-softmmu,i386-linux-user"])).toEqual(["arm", "avr"]);
});
