import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { Bucket } from "./bucket.ts";
import { isMissingObject, toBucketError } from "./s3-fault.ts";

/** Where the bucket is, and how to get in. */
export interface S3Settings {
  /** Such as https://s3.eu-central-1.amazonaws.com; buckets are named in the path of its URLs. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Empty, or ending with a slash. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Certificates of authorities to trust instead of the system's, in PEM. */
  readonly ca?: string | undefined;
  /** A connection on which nothing comes or goes for so long is given up. */
  readonly idleTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
/** Tries of a request by itself; one that streams has one. */
const TRIES = 3;

/** A bucket of any server that speaks S3. */
export function createS3Bucket(settings: S3Settings): Bucket {
  const { bucket: Bucket, prefix } = settings;
  const client = createClient(settings);
  const place = `s3://${Bucket}/${prefix} at ${settings.endpoint}`;

  async function ask<Answer>(operation: string, request: () => Promise<Answer>): Promise<Answer> {
    try {
      return await request();
    } catch (error) {
      throw toBucketError(error, { place, operation });
    }
  }

  return {
    place,

    putFile: (key, { path, sizeBytes, sha256 }, signal) =>
      ask("put an object", async () => {
        const body = createReadStream(path);
        const command = new PutObjectCommand({ Bucket, Key: prefix + key, Body: body, ContentLength: sizeBytes });
        // Part of what is signed: the server refuses other bytes, and fewer.
        command.middlewareStack.add(
          (next) => (args) => {
            (args.request as { headers: Record<string, string> }).headers["x-amz-content-sha256"] = sha256;
            return next(args);
          },
          { step: "build", name: "digest" },
        );
        try {
          await client.send(command, { abortSignal: signal });
        } finally {
          body.destroy();
        }
      }),

    putText: (key, text) =>
      ask("put an object", async () => {
        await client.send(new PutObjectCommand({ Bucket, Key: prefix + key, Body: text }));
      }),

    open: (key, offset = 0) =>
      ask("get an object", async () => {
        const range = offset > 0 ? { Range: `bytes=${offset}-` } : {};
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: prefix + key, ...range }));
          return Body instanceof Readable ? Body : Readable.from([]);
        } catch (error) {
          if (isMissingObject(error)) return undefined;
          throw error;
        }
      }),

    delete: (key) =>
      ask("delete an object", async () => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: prefix + key }));
      }),

    async *list(start) {
      let after: string | undefined;
      do {
        const page = await ask("list objects", () =>
          client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix + start, ContinuationToken: after })),
        );
        yield (page.Contents ?? []).map(({ Key = "", LastModified }) => ({
          key: Key.slice(prefix.length),
          modifiedMs: LastModified?.getTime() ?? Number.MAX_SAFE_INTEGER,
        }));
        after = page.NextContinuationToken;
      } while (after !== undefined);
    },

    [Symbol.dispose]: () => client.destroy(),
  };
}

/** What fails is told by errors; the SDK would tell it on the console as well. */
const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

function createClient(settings: S3Settings): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey, ca, idleTimeoutMs = IDLE_TIMEOUT_MS } = settings;
  return new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: TRIES,
    logger: SILENT,
    // What servers other than Amazon's may not know: the digest is signed, and checked again on reading.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: idleTimeoutMs,
      ...(ca !== undefined && { httpsAgent: { ca } }),
    },
  });
}
