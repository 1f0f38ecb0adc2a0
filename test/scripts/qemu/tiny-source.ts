import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { PinnedFile } from "../../../scripts/qemu/source.ts";

/** What stands in for QEMU: a configure that writes build.ninja, and one C file with a place for each patch. */
const CONFIGURE = `#!/bin/sh
tree=$(cd "$(dirname "$0")" && pwd)
for flag; do case $flag in --extra-cflags=*) flags=\${flag#--extra-cflags=};; --gate=*) gate=\${flag#--gate=};; esac; done
cat > build.ninja <<EOF
rule cc
  command = echo \\$out >> \${gate}.log; gcc $flags -DLIST='"$(cat "$tree/configs/devices/avr-softmmu/farm.mak")"' -o \\$out \\$in
rule gated
  command = test -e $gate && gcc $flags -o \\$out \\$in
build qemu-system-avr: cc $tree/main.c
build qemu-system-arm: gated $tree/other.c
EOF
`;
const MAIN = `#include <stdio.h>
/* Debian says: nothing */

int main(void) { puts(__FILE__ " " LIST " " WORDS); return 0; }
`;
const DEBIAN_PATCH = `--- a/main.c
+++ b/main.c
@@ -1,4 +1,5 @@
 #include <stdio.h>
-/* Debian says: nothing */
+/* Debian says: patched */
+#define WORDS "debian" OURS
 
 int main(void) { puts(__FILE__ " " LIST " " WORDS); return 0; }
`;
/** Applies only after Debian's. */
const OUR_PATCH = `Ours.

--- a/main.c
+++ b/main.c
@@ -1,4 +1,5 @@
 #include <stdio.h>
 /* Debian says: patched */
+#define OURS " and ours"
 #define WORDS "debian" OURS
 
`;

/** A folder as \`images/qemu\`, and a mirror of the files that it pins, all of them tiny. */
export interface TinySource {
  readonly images: string;
  /** The program for arm is built only once this file is there. */
  readonly gate: string;
  readonly files: Map<string, Buffer>;
  /** Writes source.json anew, with other files or digests. */
  pin(change?: Partial<Record<"upstream" | "debian" | "meson", Partial<PinnedFile>>>): void;
}

export function makeTinySource(folder: string): TinySource {
  const made = join(folder, "made");
  const images = join(folder, "images");
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode });
  };
  for (const name of ["LICENSE", "COPYING", "COPYING.LIB"]) write(join(made, "qemu-1", name), `${name} of QEMU\n`);
  write(join(made, "qemu-1/configure"), CONFIGURE, 0o755);
  write(join(made, "qemu-1/main.c"), MAIN);
  write(join(made, "qemu-1/other.c"), "int main(void) { return 0; }\n");
  write(join(made, "debian/patches/series"), "# first\nwords.patch -p1\n");
  write(join(made, "debian/patches/words.patch"), DEBIAN_PATCH);
  write(
    join(made, "meson/DEBIAN/control"),
    "Package: meson\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: m\n",
  );
  write(join(made, "meson/usr/lib/python3/dist-packages/mesonbuild/__init__.py"), "");
  execFileSync("tar", ["-cJf", "orig.tar.xz", "qemu-1"], { cwd: made });
  execFileSync("tar", ["-cJf", "debian.tar.xz", "debian"], { cwd: made });
  execFileSync("dpkg-deb", ["-b", "--root-owner-group", "meson", "meson.deb"], { cwd: made, stdio: "ignore" });
  const names = { upstream: "orig.tar.xz", debian: "debian.tar.xz", meson: "meson.deb" } as const;
  const files = new Map(Object.values(names).map((name) => [`/debian/pool/${name}`, readFileSync(join(made, name))]));

  const gate = join(folder, "gate");
  write(join(images, "patches/series"), "ours.patch # the only one\n");
  write(join(images, "patches/ours.patch"), OUR_PATCH);
  write(join(images, "devices/avr.mak"), "CONFIG_ARDUINO=y\n");
  write(join(images, "configure-flags"), `--target-list=avr-softmmu,arm-softmmu\n--gate=${gate}\n`);
  const pin: TinySource["pin"] = (change = {}) => {
    const pinned = Object.entries(names).map(([role, name]) => {
      const bytes = files.get(`/debian/pool/${name}`) ?? Buffer.alloc(0);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      const asPinned = { path: `pool/${name}`, bytes: bytes.length, sha256 };
      return [role, { ...asPinned, ...change[role as keyof typeof names] }];
    });
    const fields = { version: "1:10.0.1+ds-1", series: "10.0", release: "trixie", sourceDateEpoch: 1_000_000_000 };
    write(join(images, "source.json"), JSON.stringify({ ...fields, files: Object.fromEntries(pinned) }));
  };
  pin();
  return { images, gate, files, pin };
}

export interface Mirror extends AsyncDisposable {
  readonly uri: string;
  readonly asked: string[];
}

/** Serves the files as a mirror of Debian would; an answer of the test's own may come in between. */
export async function startMirror(
  files: Map<string, Buffer>,
  answer?: (bytes: Buffer, response: ServerResponse) => void,
): Promise<Mirror> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const bytes = files.get(path);
    if (bytes === undefined) response.writeHead(404).end();
    else if (answer) answer(bytes, response);
    else response.end(bytes);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
