import { instance } from "./manifest-builders.ts";
import { type RefusedAtApply, refused, unfinished } from "./refused-at-apply.ts";

const DIGEST = "9f2c".padEnd(64, "0");

/** Instances whose name, board or firmware is wrong. */
export const REFUSED_FIRMWARE: readonly RefusedAtApply[] = [
  refused("no board", { ...instance({}), spec: {} }, unfinished("spec.board: Required value")),
  refused("no spec", { ...instance({}), spec: undefined }, unfinished("spec: Required value")),
  refused(
    "a field that there is not",
    instance({ colour: "red" }),
    'EmulatorInstance in version "v1alpha1" cannot be handled as a EmulatorInstance: strict decoding error: unknown field "spec.colour"',
  ),
  refused(
    "a board that no object can be named",
    instance({ board: "MPS2_AN385" }),
    "spec.board: Invalid value: \"MPS2_AN385\": must be lower-case letters, digits and '-', and begin with a letter",
  ),
  refused(
    "a name that is too long for a Service",
    instance({}, "s".repeat(64)),
    "metadata.name: Invalid value: must be at most 63 lower-case letters, digits and '-', and begin with a letter: Services and labels take it over",
  ),
  refused(
    "a name with a dot",
    instance({}, "sensor.01"),
    "metadata.name: Invalid value: must be at most 63 lower-case letters, digits and '-', and begin with a letter: Services and labels take it over",
  ),
  refused(
    "a name that begins with a digit",
    instance({}, "1-sensor"),
    "metadata.name: Invalid value: must be at most 63 lower-case letters, digits and '-', and begin with a letter: Services and labels take it over",
  ),
  refused(
    "firmware without a source",
    instance({ firmware: {} }),
    "spec.firmware: Invalid value: needs exactly one of url, configMap, artifact, image and inline",
  ),
  refused(
    "firmware of two sources",
    instance({ firmware: { url: "https://a.example/a.elf", artifact: DIGEST } }),
    "spec.firmware: Invalid value: needs exactly one of url, configMap, artifact, image and inline",
  ),
  refused(
    "firmware by FTP",
    instance({ firmware: { url: "ftp://a.example/a.elf" } }),
    'spec.firmware.url: Invalid value: "ftp://a.example/a.elf": must be an http or https address without a user in it',
  ),
  refused(
    "a password in an address",
    instance({ firmware: { url: "https://me:secret@a.example/a.elf" } }),
    'spec.firmware.url: Invalid value: "https://me:secret@a.example/a.elf": must be an http or https address without a user in it',
  ),
  refused(
    "a digest in capitals",
    instance({ firmware: { artifact: DIGEST.toUpperCase() } }),
    'spec.firmware.artifact: Invalid value: "9F2C000000000000000000000000000000000000000000000000000000000000": must be 64 lower-case hexadecimal digits',
  ),
  refused(
    "inline firmware that is not base64",
    instance({ firmware: { inline: "not base64!" } }),
    'spec.firmware.inline: Invalid value: "not base64!": must be the bytes in base64',
  ),
  refused(
    "inline firmware without a byte",
    instance({ firmware: { inline: "" } }),
    'spec.firmware.inline: Invalid value: "": spec.firmware.inline in body should be at least 1 chars long',
  ),
  refused(
    "inline firmware of more than 96 KiB",
    instance({ firmware: { inline: "AAAA".repeat(33_281) } }),
    unfinished("spec.firmware.inline: Too long: may not be more than 133120 bytes"),
  ),
  refused(
    "a digest beside a digest",
    instance({ firmware: { artifact: DIGEST, sha256: DIGEST } }),
    "spec.firmware.sha256: Invalid value: sha256 is not needed with artifact, which is a digest itself",
  ),
  refused(
    "credentials for a ConfigMap",
    instance({ firmware: { configMap: { name: "images", key: "a.elf" }, secretName: "login" } }),
    "spec.firmware.secretName: Invalid value: credentials are for url and image only",
  ),
  refused(
    "a kernel command line for an ELF",
    instance({ firmware: { artifact: DIGEST, format: "elf", append: "console=ttyS0" } }),
    "spec.firmware.format: Invalid value: initrd, dtb and append are for format linux only",
  ),
  refused(
    "an initial RAM disk of two sources",
    instance({ firmware: { artifact: DIGEST, initrd: { artifact: DIGEST, image: "a.example/initrd:1" } } }),
    "spec.firmware.initrd: Invalid value: needs exactly one of url, configMap, artifact, image and inline",
  ),
];
