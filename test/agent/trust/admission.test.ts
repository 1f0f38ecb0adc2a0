import { expect, test } from "vitest";
import { createAdmission, scopesOf } from "../../../src/agent/trust/admission.ts";
import type { TokenScope } from "../../../src/core/wire/signed-token.ts";

const admit = (scope: TokenScope, method: string, route: string | undefined) =>
  createAdmission(async () => ({ issuer: "somebody", scopes: [scope] }))("a token", {
    method,
    route,
    params: {},
    headers: {},
  });

test.each([
  ["configure", "PUT", "/v1/desired"],
  ["configure", "DELETE", "/v1/instances/:uid"],
  ["configure", "POST", "/v1/cordon"],
  ["configure", "PUT", "/v1/certificate"],
  ["run", "PUT", "/v1/attempts/:id"],
  ["run", "POST", "/v1/attempts/:id/cancel"],
  ["run", "POST", "/v1/acknowledgements"],
  ["run", "PUT", "/v1/firmware/:sha256"],
  ["channel", "GET", "/v1/instances/:id/uarts/:uart"],
  ["channel", "GET", "/v1/instances/:id/qmp"],
  ["channel", "POST", "/v1/attempts/:id/control"],
] as const)("%s alone may %s %s", async (scope, method, route) => {
  await admit(scope, method, route);
  for (const other of (["configure", "run", "channel"] as const).filter((one) => one !== scope)) {
    await expect(admit(other, method, route)).rejects.toMatchObject({
      code: "Forbidden",
      message: expect.stringContaining(
        `${method} ${route} takes ${scope}; the token of the somebody is good for ${other}`,
      ),
    });
  }
});

test("a channel that is new is a channel; a route that nobody has thought of is nobody's", () => {
  expect(scopesOf({ method: "GET", route: "/v1/instances/:id/something-new" })).toEqual(["channel"]);
  expect(scopesOf({ method: "GET", route: "/v1/something-new" })).toEqual([]);
});

test("what is not there is told as such, to whoever has a token", async () => {
  await admit("channel", "GET", undefined);
});
