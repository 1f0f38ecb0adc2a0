import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { s3SettingsOf, s3Variables } from "../../../src/api/store/s3-variables.ts";
import { parseSettings } from "../../../src/core/schema/parse-settings.ts";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";

let folder: TemporaryFolder;
let whole: Record<string, string>;
beforeAll(async () => {
  folder = await createTemporaryFolder();
  const files = { id: "AKIA\n", secret: "word\n", none: "\n", ca: "-----BEGIN CERTIFICATE-----\n", text: "hello" };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  whole = {
    EMUFARM_STORE_S3_BUCKET: "farm",
    EMUFARM_STORE_S3_ENDPOINT: "https://s3.example.org",
    EMUFARM_STORE_S3_ACCESS_KEY_FILE: join(folder.path, "id"),
    EMUFARM_STORE_S3_SECRET_KEY_FILE: join(folder.path, "secret"),
  };
});
afterAll(async () => await folder[Symbol.asyncDispose]());

const read = (env: Record<string, string>) => s3SettingsOf(parseSettings(z.object(s3Variables), env));

test("without any of them there is no bucket", () => {
  expect(read({})).toBeUndefined();
});

test("with them there is one, its keys read from files", () => {
  expect(read(whole)).toEqual({
    bucket: "farm",
    endpoint: "https://s3.example.org",
    region: "us-east-1",
    prefix: "",
    accessKeyId: "AKIA",
    secretAccessKey: "word",
    ca: undefined,
  });
});

test("a prefix ends with a slash, whether or not it was written", () => {
  for (const prefix of ["farms/one", "farms/one/"]) {
    expect(read({ ...whole, EMUFARM_STORE_S3_PREFIX: prefix })?.prefix).toBe("farms/one/");
  }
});

test.each([
  [
    "a bucket alone",
    { EMUFARM_STORE_S3_BUCKET: "farm" },
    "EMUFARM_STORE_S3_ENDPOINT, EMUFARM_STORE_S3_ACCESS_KEY_FILE",
  ],
  ["a name that no bucket has", { EMUFARM_STORE_S3_BUCKET: "My_Farm" }, "must be the name of a bucket"],
  ["an endpoint that is none", { EMUFARM_STORE_S3_ENDPOINT: "s3.example.org" }, "EMUFARM_STORE_S3_ENDPOINT"],
  ["a prefix that leads out", { EMUFARM_STORE_S3_PREFIX: "../other" }, "must be names with slashes between"],
  ["a prefix from the root", { EMUFARM_STORE_S3_PREFIX: "/farms" }, "must be names with slashes between"],
])("%s is refused", (_what, wrong, words) => {
  expect(() => read(_what === "a bucket alone" ? wrong : { ...whole, ...wrong })).toThrow(words);
});

test.each([
  ["EMUFARM_STORE_S3_SECRET_KEY_FILE", "none", "is empty"],
  ["EMUFARM_STORE_S3_ACCESS_KEY_FILE", "nowhere", "ENOENT"],
  ["EMUFARM_STORE_S3_CA_FILE", "text", "has no certificate in PEM"],
])("a file of %s that is of no use is told (%s)", (name, file, words) => {
  expect(() => read({ ...whole, [name]: join(folder.path, file) })).toThrow(words);
});

test("authorities are read as they are", () => {
  expect(read({ ...whole, EMUFARM_STORE_S3_CA_FILE: join(folder.path, "ca") })?.ca).toContain("BEGIN CERTIFICATE");
});
