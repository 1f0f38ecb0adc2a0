import { expect, test } from "vitest";
import { credentialsIn } from "../../../src/operator/firmware/firmware-secret.ts";
import type { SourceProblem } from "../../../src/operator/firmware/source-problem.ts";
import type { Secret } from "../../../src/operator/kubernetes/kinds.ts";

const OWN = "emufarm.dev/firmware-credentials";
const DOCKER = "kubernetes.io/dockerconfigjson";
const base64 = (text: string) => Buffer.from(text).toString("base64");

function secret(type: string, texts: Record<string, string>): Secret {
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, base64(text)]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name: "login", namespace: "n" }, type, data };
}

const docker = (auths: object) => secret(DOCKER, { ".dockerconfigjson": JSON.stringify({ auths }) });
const ada = { username: "ada", password: "a:b" };

test.each<[string, Secret, { url?: string; image?: string }, object]>([
  [
    "a token for a host among others, with the ends of lines that files have",
    secret(OWN, { hosts: "a.example, files.example\n", token: "t0ken\n" }),
    { url: "https://files.example/app.elf?x=1" },
    { token: "t0ken" },
  ],
  [
    "a user for a host with a port",
    secret(OWN, { hosts: "files.example:8443", ...ada }),
    { url: "https://files.example:8443/app.elf" },
    ada,
  ],
  ["a user for a registry", secret(OWN, { hosts: "registry.example", ...ada }), { image: "registry.example/app" }, ada],
  ["what docker login writes", docker({ "r.example": { auth: base64("ada:a:b") } }), { image: "r.example/app" }, ada],
  [
    "what docker login writes for Docker Hub",
    docker({ "https://index.docker.io/v1/": ada }),
    { image: "team/app:1" },
    ada,
  ],
  ["what kubectl create secret writes", docker({ "https://r.example": ada }), { image: "r.example/a/b:1" }, ada],
])("%s is found", (_what, given, source, credentials) => {
  expect(credentialsIn(given, source)).toEqual(credentials);
});

test.each<[string, Secret, { url?: string; image?: string }, string, string]>([
  [
    "another type",
    secret("Opaque", { hosts: "files.example", token: "t" }),
    { url: "https://files.example/a" },
    "SecretTypeNotSupported",
    "Secret login is of type Opaque; credentials for firmware are in one of type emufarm.dev/firmware-credentials.",
  ],
  [
    "a registry's login for a url",
    docker({ "files.example": ada }),
    { url: "https://files.example/a" },
    "SecretTypeNotSupported",
    "is of type kubernetes.io/dockerconfigjson",
  ],
  [
    "another host",
    secret(OWN, { hosts: "files.example", token: "t" }),
    { url: "https://evil.example/a" },
    "SecretHostNotListed",
    "Secret login has no credentials for evil.example; it has those for files.example.",
  ],
  [
    "the same host by another port",
    secret(OWN, { hosts: "files.example", token: "t" }),
    { url: "https://files.example:8443/a" },
    "SecretHostNotListed",
    "files.example:8443",
  ],
  [
    "a name that a listed one begins",
    secret(OWN, { hosts: "files.example", token: "t" }),
    { url: "https://files.example.evil.example/a" },
    "SecretHostNotListed",
    "evil.example",
  ],
  ["no hosts", secret(OWN, { token: "t" }), { url: "https://a.example/a" }, "SecretHostNotListed", "it has none"],
  [
    "no password",
    secret(OWN, { hosts: "a.example", username: "ada" }),
    { url: "https://a.example/a" },
    "SecretIncomplete",
    "it needs a token, or a username and a password",
  ],
  ["no JSON", secret(DOCKER, { ".dockerconfigjson": "{" }), { image: "r.example/a" }, "SecretIncomplete", "no JSON"],
  ["an empty login", docker({ "r.example": {} }), { image: "r.example/a" }, "SecretIncomplete", "it needs a token"],
])("a Secret with %s is refused", (_what, given, source, reason, message) => {
  const thrown = (() => {
    try {
      return credentialsIn(given, source);
    } catch (error) {
      return (error as SourceProblem).problem;
    }
  })();
  expect(thrown).toMatchObject({ reason, message: expect.stringContaining(message) });
});
