import { isAbsolute } from "node:path";
import { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import { readSecretFile } from "../../http/token-file.ts";
import type { S3Settings } from "./s3-bucket.ts";

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");

/** The environment variables of a store with a bucket. */
export const s3Variables = {
  EMUFARM_STORE_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "must be the name of a bucket")
    .optional()
    .describe("Bucket for firmware, long logs and artifacts; none: they stay in the farm's folder."),
  EMUFARM_STORE_S3_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("URL of the S3 server, such as https://s3.eu-central-1.amazonaws.com."),
  EMUFARM_STORE_S3_REGION: z.string().min(1).default("us-east-1"),
  EMUFARM_STORE_S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*(\/|$))*$/, "must be names with slashes between, such as farms/one")
    .default("")
    .describe("Before all keys: several farms may share a bucket, each under a prefix of its own."),
  EMUFARM_STORE_S3_ACCESS_KEY_FILE: absolutePath.optional().describe("File with the access key's id."),
  EMUFARM_STORE_S3_SECRET_KEY_FILE: absolutePath.optional().describe("File with the secret key."),
  EMUFARM_STORE_S3_CA_FILE: absolutePath
    .optional()
    .describe("Certificates of the authorities that the server's may be of, in PEM; default: those of the system."),
};

const NEEDED = [
  "EMUFARM_STORE_S3_BUCKET",
  "EMUFARM_STORE_S3_ENDPOINT",
  "EMUFARM_STORE_S3_ACCESS_KEY_FILE",
  "EMUFARM_STORE_S3_SECRET_KEY_FILE",
] as const;

type S3Variables = z.infer<z.ZodObject<typeof s3Variables>>;

/** @throws {FarmError} InvalidRequest where only a part of them is there, or a file cannot be read */
export function s3SettingsOf(data: S3Variables): S3Settings | undefined {
  const missing = NEEDED.filter((name) => data[name] === undefined);
  if (missing.length === NEEDED.length) return undefined;
  const [bucket = "", endpoint = "", accessKeyFile = "", secretKeyFile = ""] = NEEDED.map((name) => data[name]);
  if (missing.length > 0) {
    throw new FarmError("InvalidRequest", { problems: `${missing.join(", ")}: needed for a store in S3` });
  }
  const prefix = data.EMUFARM_STORE_S3_PREFIX;
  return {
    bucket,
    endpoint,
    region: data.EMUFARM_STORE_S3_REGION,
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    accessKeyId: readSecretFile("EMUFARM_STORE_S3_ACCESS_KEY_FILE", accessKeyFile),
    secretAccessKey: readSecretFile("EMUFARM_STORE_S3_SECRET_KEY_FILE", secretKeyFile),
    ca: readAuthorities(data.EMUFARM_STORE_S3_CA_FILE),
  };
}

function readAuthorities(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const text = readSecretFile("EMUFARM_STORE_S3_CA_FILE", path);
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new FarmError("InvalidRequest", { problems: `EMUFARM_STORE_S3_CA_FILE: ${path} has no certificate in PEM` });
}
