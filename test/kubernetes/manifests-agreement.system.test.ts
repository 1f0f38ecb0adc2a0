import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ControlPlane, noControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { anyBoard, anyInstance, anyPool } from "./manifests/any-manifest.ts";
import { type ApiServer, apiServer } from "./manifests/api-server.ts";
import { SCHEMAS } from "./manifests/schemas.ts";

const reason = noControlPlane();

describe.skipIf(reason)(`The API server${reason === undefined ? "" : ` (${reason})`}`, () => {
  let plane: ControlPlane;
  let server: ApiServer;

  beforeAll(async () => {
    plane = await startControlPlane({ hasDefinitions: true });
    server = apiServer(plane);
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  it.each([
    ["instances", anyInstance],
    ["pools", anyPool],
    ["boards", anyBoard],
  ])("takes just those %s that the farm's own schema takes, and fills in the same", async (_kind, any) => {
    await fc.assert(
      fc.asyncProperty(any, async (written) => {
        const manifest = JSON.parse(JSON.stringify(written));
        const read = SCHEMAS[manifest.kind]?.safeParse(manifest);
        const { code, body } = await server.create(manifest, { isDryRun: true });
        const words = `${JSON.stringify(manifest)}: ${body.message ?? "taken"}; ${read?.error?.message ?? "taken"}`;
        expect(code === 201, words).toBe(read?.success);
        const again = SCHEMAS[manifest.kind]?.safeParse(body);
        if (read?.success) expect(again?.data).toMatchObject({ spec: (read.data as { spec: object }).spec });
      }),
      { numRuns: 400 },
    );
  });
});
