import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAddressRules } from "../../../src/api/firmware/address-rules.ts";
import { createFirmwareImages } from "../../../src/api/firmware/image-source.ts";
import { createWebSource } from "../../../src/api/firmware/web-source.ts";
import type { ImportCredentials } from "../../../src/core/wire/import.ts";
import { digestOf, type FakeRegistry, type FakeRegistryOptions, startFakeRegistry, tarOf } from "./fake-registry.ts";

const MAX_BYTES = 100_000;
const TAR = "application/vnd.oci.image.layer.v1.tar";
const layer = (digest: string, mediaType: string, title?: string) => ({
  mediaType,
  digest,
  size: 1,
  ...(title !== undefined && { annotations: { "org.opencontainers.image.title": title } }),
});

const open: FakeRegistry[] = [];
let registry: FakeRegistry;

async function startRegistry(options?: FakeRegistryOptions): Promise<FakeRegistry> {
  const started = await startFakeRegistry(options);
  open.push(started);
  return started;
}

beforeEach(async () => {
  registry = await startRegistry();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

function pull(image: string, credentials?: ImportCredentials, { address } = registry): Promise<string> {
  const web = createWebSource({ rules: createAddressRules(["127.0.0.1"]), maxBytes: MAX_BYTES, timeoutMs: 60_000 });
  const images = createFirmwareImages({ web, plainRegistries: [address], maxBytes: MAX_BYTES });
  return images.fetch(`${address}/${image}`, credentials, async (bytes) => (await buffer(bytes)).toString());
}

const FILES = { "opt/": undefined, "opt/app.elf": "firmware" };

test.each<[string, () => Promise<object>]>([
  ["an artifact of any type", async () => layer(registry.addBlob("firmware"), "application/x-elf")],
  [
    "a file that a client of artifacts calls an archive",
    async () => layer(registry.addBlob("firmware"), TAR, "app.elf"),
  ],
  ["an archive", async () => layer(registry.addBlob(await tarOf(FILES)), TAR)],
  ["an archive by gzip", async () => layer(registry.addBlob(gzipSync(await tarOf(FILES))), `${TAR}+gzip`)],
  ["an archive by zstd", async () => layer(registry.addBlob(zstdCompressSync(await tarOf(FILES))), `${TAR}+zstd`)],
  [
    "an archive of Docker's",
    async () =>
      layer(registry.addBlob(gzipSync(await tarOf(FILES))), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
  ],
])("the firmware is taken from %s", async (_what, make) => {
  registry.addManifest({ layers: [await make()] }, "1.2");
  expect(await pull("team/app:1.2")).toBe("firmware");
});

test("an index leads to its only image, beside which builders put what they attest", async () => {
  const digest = registry.addManifest({ layers: [layer(registry.addBlob("firmware"), "application/x-elf")] });
  const attested = { mediaType: "m", digest: digestOf("other"), platform: { architecture: "unknown", os: "unknown" } };
  const image = { mediaType: "m", digest, platform: { architecture: "arm", os: "linux" } };
  registry.addManifest({ manifests: [attested, image] }, "latest");
  expect(await pull("app")).toBe("firmware");
  expect(await pull(`app:no-matter@${digest}`)).toBe("firmware");
  registry.addManifest({ manifests: [image, image] }, "many");
  await expect(pull("app:many")).rejects.toMatchObject({
    code: "FirmwareImageInvalid",
    message: expect.stringContaining("2 images for several platforms: name one by digest"),
  });
});

test.each<[string, () => Promise<object | undefined>, string, string]>([
  ["is not there", async () => undefined, "FirmwareSourceFailed", "the registry does not have it"],
  ["has no layers", async () => ({ layers: [] }), "FirmwareImageInvalid", "no layers"],
  ["is none", async () => ({ layers: "x" }), "FirmwareImageInvalid", "its manifest is none of an OCI image"],
  [
    "is larger than a manifest may be",
    async () => ({ layers: [], padding: "x".repeat(MAX_BYTES) }),
    "BodyTooLarge",
    String(MAX_BYTES),
  ],
  [
    "has several files",
    async () => ({ layers: [layer(registry.addBlob(await tarOf({ a: "1", b: "2" })), TAR)] }),
    "FirmwareImageInvalid",
    "its first layer has several files, a and b among them",
  ],
  [
    "has no file",
    async () => ({ layers: [layer(registry.addBlob(await tarOf({ "a/": undefined })), TAR)] }),
    "FirmwareImageInvalid",
    "its first layer has no file",
  ],
  [
    "is no archive",
    async () => ({ layers: [layer(registry.addBlob("x".repeat(2_000)), TAR)] }),
    "FirmwareImageInvalid",
    "its first layer cannot be read",
  ],
  [
    "breaks off",
    async () => ({ layers: [layer(registry.addBlob(gzipSync(await tarOf(FILES)).subarray(0, 60)), `${TAR}+gzip`)] }),
    "FirmwareImageInvalid",
    "its first layer cannot be read",
  ],
  [
    "has other bytes than it says",
    async () => ({ layers: [layer(registry.addBlob("other", digestOf("firmware")), "application/x-elf")] }),
    "FirmwareImageInvalid",
    "its layer has the digest",
  ],
  [
    "unfolds to more than is taken",
    async () => ({
      layers: [layer(registry.addBlob(gzipSync(await tarOf({ a: "x".repeat(2 * MAX_BYTES) }))), `${TAR}+gzip`)],
    }),
    "BodyTooLarge",
    String(MAX_BYTES),
  ],
])("an image that %s is refused", async (_what, make, code, words) => {
  const manifest = await make();
  if (manifest) registry.addManifest(manifest, "1");
  const error = await pull("app:1").catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
});

test("a manifest that is not what the digest says is refused", async () => {
  const wanted = digestOf("another manifest");
  registry.addManifest({ layers: [] }, wanted);
  await expect(pull(`app@${wanted}`)).rejects.toMatchObject({ code: "FirmwareImageInvalid" });
});

test("a token service is asked for a token, by nobody for what is public, and with the credentials else", async () => {
  const basic = `Basic ${Buffer.from("ada:secret").toString("base64")}`;
  const secured = await startRegistry({
    wanted: "Bearer for-ada",
    challenge: (address) => `Bearer realm="http://${address}/token",service="registry"`,
    tokens: { "": "for-all", [basic]: "for-ada" },
  });
  secured.addManifest({ layers: [layer(secured.addBlob("firmware"), "application/x-elf")] }, "1");
  expect(await pull("team/app:1", { username: "ada", password: "secret" }, secured)).toBe("firmware");
  const asked = secured.requests.filter(({ url }) => url?.startsWith("/token"));
  expect(asked.map(({ url }) => url)).toEqual(["/token?service=registry&scope=repository%3Ateam%2Fapp%3Apull"]);
  const refused = expect.objectContaining({ code: "FirmwareSourceFailed" });
  await expect(pull("team/app:1", undefined, secured)).rejects.toEqual(refused);
  await expect(pull("team/app:1", undefined, secured)).rejects.toThrow("firmware.secretName names a Secret");
  const wrong = pull("team/app:1", { username: "eve", password: "x" }, secured);
  await expect(wrong).rejects.toThrow("its token service gave no token");
});

test("a registry's address is checked as every other, and so is that of its token service", async () => {
  const web = createWebSource({ rules: createAddressRules(), maxBytes: MAX_BYTES, timeoutMs: 60_000 });
  const images = createFirmwareImages({ web, plainRegistries: [], maxBytes: MAX_BYTES });
  const refused = { code: "FirmwareSourceRefused" };
  const never = () => Promise.reject(new Error("nothing was to come"));
  await expect(images.fetch("10.0.0.1:5000/app", undefined, never)).rejects.toMatchObject(refused);
  await expect(images.fetch("localhost/app", undefined, never)).rejects.toMatchObject(refused);
  const leading = await startRegistry({
    wanted: "x",
    challenge: () => `Bearer realm="http://169.254.169.254/latest/meta-data",service="registry"`,
  });
  await expect(pull("app", { token: "t" }, leading)).rejects.toMatchObject(refused);
});
