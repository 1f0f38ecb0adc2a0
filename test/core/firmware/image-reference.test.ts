import { expect, test } from "vitest";
import { parseImageReference } from "../../../src/core/firmware/image-reference.ts";

const DIGEST = `sha256:${"0f".repeat(32)}`;

test.each<[string, string, string, string]>([
  ["app", "registry-1.docker.io", "library/app", "latest"],
  ["team/app:1.2", "registry-1.docker.io", "team/app", "1.2"],
  ["docker.io/team/app", "registry-1.docker.io", "team/app", "latest"],
  ["registry.example/app:1.2", "registry.example", "app", "1.2"],
  ["registry.example:5000/a/b_c/d-e:v1", "registry.example:5000", "a/b_c/d-e", "v1"],
  ["localhost/app", "localhost", "app", "latest"],
  [`10.1.0.7:5000/app:1@${DIGEST}`, "10.1.0.7:5000", "app", DIGEST],
  [`app@${DIGEST}`, "registry-1.docker.io", "library/app", DIGEST],
])("%s is in %s as %s, %s", (text, registry, repository, version) => {
  expect(parseImageReference(text)).toMatchObject({ registry, repository, version });
});

test.each([
  "",
  "registry.example/",
  "registry.example/App",
  "registry.example/app:",
  "registry.example/../app",
  "registry.example:99999999/app",
  "user@registry.example/app",
  "app@sha256:short",
  `app@${DIGEST}@${DIGEST}`,
  `app@sha512:${"0f".repeat(64)}`,
  "registry.example/app?x=1",
])("%j is no reference", (text) => {
  expect(parseImageReference(text)).toBeUndefined();
});
