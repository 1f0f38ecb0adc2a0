import { expect, test } from "vitest";
import { packagesIn } from "../../scripts/images/debian-lock.ts";

const SHA = "0123456789abcdef".repeat(4);

test("packages are read from what apt would download, by name, below the root of whichever mirror", () => {
  const uris = `
'http://mirror.example/debian/pool/main/z/zlib/zlib1g_1.3.dfsg%2breally1.3.1-1%2bb1_amd64.deb' zlib1g_1%3a1.3.dfsg+really1.3.1-1+b1_amd64.deb 88848 SHA256:${SHA}
'http://mirror.example/debian/pool/main/o/opensbi/opensbi_1.6-1_all.deb' opensbi_1.6-1_all.deb 262860 SHA256:${SHA}
`;
  expect(packagesIn(uris, "http://mirror.example/debian")).toEqual({
    opensbi: { version: "1.6-1", path: "pool/main/o/opensbi/opensbi_1.6-1_all.deb", bytes: 262_860, sha256: SHA },
    zlib1g: {
      version: "1:1.3.dfsg+really1.3.1-1+b1",
      path: "pool/main/z/zlib/zlib1g_1.3.dfsg+really1.3.1-1+b1_amd64.deb",
      bytes: 88_848,
      sha256: SHA,
    },
  });
});
