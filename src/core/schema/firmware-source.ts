import { z } from "zod";
import { FIRMWARE_FORMATS } from "./board.ts";
import { type Rule, withRules } from "./hint.ts";
import { sha256, subdomainName } from "./metadata.ts";

/** Type of the Secrets whose credentials a firmware may be fetched with. */
export const FIRMWARE_SECRET_TYPE = "emufarm.dev/firmware-credentials";
/** Type of those that container engines use as well; for images. */
export const IMAGE_SECRET_TYPE = "kubernetes.io/dockerconfigjson";

const SOURCES = ["url", "configMap", "artifact", "image", "inline"] as const;

const DIGIT = "[A-Za-z0-9+/]\\s*";

/** Base64 as `base64` prints it, in lines or in one. 96 KiB of bytes, with the ends of lines of 64 digits. */
const base64 = z
  .string()
  .min(1)
  .max(133_120)
  .regex(
    new RegExp(`^\\s*((${DIGIT}){4})*((${DIGIT}){2}=\\s*=\\s*|(${DIGIT}){3}=\\s*)?$`),
    "must be the bytes in base64",
  )
  .transform((text) => text.replaceAll(/\s/g, ""));

const source = {
  url: z
    .string()
    .max(2_048)
    .regex(/^https?:\/\/[^\s/?#@]+([/?#]\S*)?$/, "must be an http or https address without a user in it")
    .optional()
    .describe(
      "HTTP or HTTPS address of the image. Private and cluster addresses are refused unless the farm lists them.",
    ),
  sha256: sha256.optional().describe("Digest that the bytes must have; others are refused."),
  configMap: z
    .strictObject({
      name: subdomainName.describe("Name of the ConfigMap, in the namespace of the object."),
      key: z
        .string()
        .min(1)
        .max(253)
        .regex(/^[-._a-zA-Z0-9]+$/, "must be letters, digits, '-', '_' and '.'")
        .describe("Key in binaryData or data."),
    })
    .optional()
    .describe("Image in a ConfigMap. A change of the ConfigMap is a change of the firmware."),
  artifact: sha256.optional().describe("Image in the farm's store, by its digest."),
  image: z
    .string()
    .max(512)
    .regex(/^[a-zA-Z0-9][-a-zA-Z0-9._:/@]*$/, "must be the reference of an OCI image")
    .optional()
    .describe(
      "OCI artifact whose first layer is the firmware, or image whose first layer has it as its only file, such as registry.example/app:1.2.",
    ),
  inline: base64.optional().describe("The image itself, in base64; at most 96 KiB of bytes."),
  secretName: subdomainName
    .optional()
    .describe(
      `Secret with credentials for url or image, for the hosts that it lists: of type ${FIRMWARE_SECRET_TYPE} or, for image, ${IMAGE_SECRET_TYPE}.`,
    ),
};

const sourceFields = z.strictObject(source);
type SourceFields = z.infer<typeof sourceFields>;

const RULES: readonly Rule<SourceFields>[] = [
  {
    message: "needs exactly one of url, configMap, artifact, image and inline",
    cel: `[${SOURCES.map((name) => `has(self.${name})`).join(", ")}].exists_one(one, one)`,
    isValid: (value) => SOURCES.filter((name) => value[name] !== undefined).length === 1,
  },
  {
    message: "sha256 is not needed with artifact, which is a digest itself",
    path: ["sha256"],
    cel: "!(has(self.artifact) && has(self.sha256))",
    isValid: (value) => value.artifact === undefined || value.sha256 === undefined,
  },
  {
    message: "credentials are for url and image only",
    path: ["secretName"],
    cel: "!has(self.secretName) || has(self.url) || has(self.image)",
    isValid: (value) => value.secretName === undefined || value.url !== undefined || value.image !== undefined,
  },
];

/** Where bytes come from: exactly one source. */
export const imageSource = withRules(sourceFields, ...RULES).describe("Where the bytes come from: exactly one source.");
export type ImageSource = z.infer<typeof imageSource>;

/** Firmware of an instance: where its bytes come from, and what they are. */
export const firmwareSource = withRules(
  z.strictObject({
    ...source,
    format: z.enum(FIRMWARE_FORMATS).optional().describe("Format; default: found from the bytes."),
    initrd: imageSource.optional().describe("Initial RAM disk, for format linux."),
    dtb: imageSource.optional().describe("Device tree, for format linux."),
    append: z
      .string()
      .max(2_048)
      .optional()
      .describe("Kernel command line, for format linux; default: that of the board."),
  }),
  ...RULES,
  {
    message: "initrd, dtb and append are for format linux only",
    path: ["format"],
    cel: "!has(self.format) || self.format == 'linux' || !(has(self.initrd) || has(self.dtb) || has(self.append))",
    isValid: ({ format, initrd, dtb, append }) =>
      format === undefined || format === "linux" || (initrd === undefined && dtb === undefined && append === undefined),
  },
).describe("Where the firmware comes from: exactly one source.");
export type FirmwareSource = z.infer<typeof firmwareSource>;
