import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CUSTOM_RESOURCES } from "../../src/core/kubernetes/custom-resources.ts";
import { emulatorInstanceSpec } from "../../src/core/schema/emulator-instance.ts";
import { emulatorPoolSpec } from "../../src/core/schema/emulator-pool.ts";
import { type ControlPlane, noControlPlane, startControlPlane } from "../cluster/control-plane.ts";
import { kstatus, type StatusOfObject } from "./kstatus.ts";
import { type ApiServer, apiServer } from "./manifests/api-server.ts";
import { REFUSED_AT_APPLY } from "./manifests/bad-manifests.ts";
import { manifestFiles } from "./manifests/files.ts";
import { board, instance, pool } from "./manifests/manifest-builders.ts";
import { SHOWN_AS_CONDITION } from "./manifests/shown-as-conditions.ts";

const project = join(import.meta.dirname, "../..");
const crds = join(project, "charts/emufarm/crds");
const reason = noControlPlane();

describe.skipIf(reason)(`An API server with the farm's kinds${reason === undefined ? "" : ` (${reason})`}`, () => {
  let plane: ControlPlane;
  let server: ApiServer;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "emu-manifests-"));
    plane = await startControlPlane({ hasDefinitions: true });
    server = apiServer(plane);
    // What `kubectl explain` reads is published a little later than a kind is established, and nothing tells when.
    await vi.waitFor(() => plane.kubectl("explain", "emupool.spec"), { timeout: 30_000, interval: 250 });
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has taken the definitions as they are: a second apply changes nothing", async () => {
    await expect(plane.kubectl("diff", "--server-side", "--filename", crds)).resolves.toBe("");
    for (const { kind, plural } of CUSTOM_RESOURCES) {
      const broken = await plane.kubectl(
        ...["get", "crd", `${plural}.emufarm.dev`, "--output"],
        'jsonpath={.status.conditions[?(@.type=="NonStructuralSchema")].message}',
      );
      expect(broken, kind).toBe("");
    }
  });

  it.each(CUSTOM_RESOURCES)("explains $kind, its fields, and knows it by $shortName", async (resource) => {
    const words = await plane.kubectl("explain", resource.shortName);
    expect(unwrapped(words)).toContain(unwrapped(resource.description));
    const tree = await plane.kubectl("explain", resource.shortName, "--recursive");
    expect(tree).toContain("conditions");
    const explained = await plane.kubectl("explain", `${resource.shortName}.status.conditions.reason`);
    expect(explained).toContain("in one stable word");
  });

  it("says of power what YAML makes of it", async () => {
    const words = await plane.kubectl("explain", "emu.spec.power");
    expect(unwrapped(words)).toContain("ENUM: On Off true false");
    expect(unwrapped(words)).toContain("True and false mean On and Off");
  });

  it.each(["boards", "examples"] as const)("takes manifests/%s unchanged, twice", async (kind) => {
    const path = join(project, "manifests", kind);
    const files = manifestFiles(kind);
    const made = await plane.kubectl("apply", "--filename", path);
    expect(made.match(/ created$/gm)).toHaveLength(files.flatMap(({ objects }) => objects).length);
    const again = await plane.kubectl("apply", "--filename", path);
    expect(again).not.toMatch(/ (created|configured)$/m);
    await expect(plane.kubectl("diff", "--filename", path)).resolves.toBe("");
    await plane.kubectl("delete", "--filename", path);

    await plane.kubectl("apply", "--server-side", "--filename", path);
    await expect(plane.kubectl("diff", "--server-side", "--filename", path)).resolves.toBe("");
    const generations = await plane.kubectl(
      "get",
      "--filename",
      path,
      "--output=jsonpath={.items[*].metadata.generation}",
    );
    expect(new Set(generations.split(" "))).toEqual(new Set(["1"]));
    await plane.kubectl("delete", "--filename", path);
  });

  it("lists all kinds of the category, with the columns of each", async () => {
    await server.create(instance({}, "listed"));
    await server.create(pool({}));
    const all = await plane.kubectl("get", "emufarm", "--output=name");
    expect(all.split("\n").sort()).toEqual(["emulatorinstance.emufarm.dev/listed", "emulatorpool.emufarm.dev/default"]);
    const columns = (text: string) => text.split("\n")[0]?.trim().split(/ {2,}/);
    expect(columns(await plane.kubectl("get", "emu"))).toEqual(["NAME", "BOARD", "PHASE", "READY", "ADDRESS", "AGE"]);
    expect(columns(await plane.kubectl("get", "emu", "--output=wide"))).toContain("NODE");
    const pools = ["NAME", "DESIRED", "AGENTS", "SERVING", "SLOTS", "ALLOCATED", "AVAILABLE", "READY", "AGE"];
    expect(columns(await plane.kubectl("get", "emupool"))).toEqual(pools);
    const selected = ["get", "emu", "--output=name", "--field-selector"];
    expect(await plane.kubectl(...selected, "spec.board=mps2-an385")).toContain("listed");
    expect(await plane.kubectl(...selected, "spec.board=microbit")).toBe("");
    await plane.kubectl("delete", "emu,emupool", "--all");
  });

  it("fills in the defaults that the farm's own schema fills in", async () => {
    const made = await server.create(instance({ ttl: { after: "4h" } }), { isDryRun: true });
    expect(made.body.spec).toEqual(emulatorInstanceSpec.parse({ board: "mps2-an385", ttl: { after: "4h" } }));
    const warm = await server.create(pool({}), { isDryRun: true });
    expect(warm.body.spec).toEqual(emulatorPoolSpec.parse({}));
  });

  it("takes On and Off without quotes, which YAML 1.1 reads as booleans", async () => {
    const made = await server.create(instance({ power: false }), { isDryRun: true });
    expect(made.code).toBe(201);
    expect(emulatorInstanceSpec.parse(made.body.spec).power).toBe("Off");
  });

  it("scales a pool, and tells autoscalers its agents by their selector", async () => {
    await server.create(pool({ maxReplicas: 4 }));
    await plane.kubectl("scale", "emupool/default", "--replicas=3");
    const status = { replicas: 2, selector: "emufarm.dev/pool=default" };
    await plane.kubectl(
      ...["patch", "emupool/default", "--subresource=status", "--type=merge", "--patch", JSON.stringify({ status })],
    );
    const scale = JSON.parse(await plane.kubectl("get", "--raw", `${POOLS}/default/scale`));
    expect(scale).toMatchObject({ spec: { replicas: 3 }, status });
    await expect(plane.kubectl("scale", "emupool/default", "--replicas=2000")).rejects.toThrow(
      /should be less than or equal to 1000/,
    );
    const read = JSON.parse(await plane.kubectl("get", "emupool/default", "--output=json"));
    expect(read.spec).toMatchObject({ replicas: 3, maxReplicas: 4 });
    await plane.kubectl("delete", "emupool/default");
  });

  it("waits for a condition, and keeps status apart from spec", async () => {
    await server.create(instance({}));
    const condition = {
      ...{ type: "Ready", status: "True", reason: "Running", message: "The board runs." },
      ...{ observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z" },
    };
    const patch = JSON.stringify({
      spec: { power: "Off" },
      status: { observedGeneration: 1, conditions: [condition] },
    });
    await plane.kubectl("patch", "emu/sensor-01", "--subresource=status", "--type=merge", "--patch", patch);
    await plane.kubectl("wait", "--for=condition=Ready", "emu/sensor-01", "--timeout=30s");
    const read = JSON.parse(await plane.kubectl("get", "emu/sensor-01", "--output=json"));
    expect(read.metadata.generation).toBe(1);
    expect(read.spec.power).toBe("On");
    expect(read.status.conditions).toEqual([condition]);
    await plane.kubectl("delete", "emu/sensor-01");
  });

  it("is in progress for kstatus until the operator has seen the spec and says Ready", async () => {
    const read = async () => JSON.parse(await plane.kubectl("get", "emu/sensor-01", "--output=json"));
    const write = async (observedGeneration: number, isReady: boolean) => {
      const condition = {
        ...{ type: "Ready", status: isReady ? "True" : "False", reason: "Test", message: "As the test says." },
        ...{ lastTransitionTime: "2026-01-01T00:00:00Z" },
      };
      const patch = JSON.stringify({ status: { observedGeneration, conditions: [condition] } });
      await plane.kubectl("patch", "emu/sensor-01", "--subresource=status", "--type=merge", "--patch", patch);
    };
    await server.create(instance({}));
    expect(kstatus(await read())).toBe("InProgress");
    await write(1, false);
    expect(kstatus(await read())).toBe("InProgress");
    await write(1, true);
    expect(kstatus(await read())).toBe("Current");
    await server.change(instance({ power: "Off" }));
    expect(kstatus(await read())).toBe("InProgress");
    await write(2, true);
    expect(kstatus(await read())).toBe("Current");
    await plane.kubectl("delete", "emu/sensor-01");
    // Nobody writes the status of a board: it is done when it is there, and nobody waits for it.
    const { body } = await server.create(board({}), { isDryRun: true });
    expect(kstatus(body as unknown as StatusOfObject)).toBe("Current");
  });

  it("merges what several write by server-side apply, channel by channel, and names who owns a field", async () => {
    const write = (fieldManager: string, spec: object) => {
      const file = join(folder, `${fieldManager}.json`);
      writeFileSync(file, JSON.stringify(instance({ ...spec })));
      return plane.kubectl("apply", "--server-side", `--field-manager=${fieldManager}`, "--filename", file);
    };
    await write("radio", { channels: [{ name: "uart0", tcp: true }], power: "Off" });
    await write("lab", { channels: [{ name: "gdb", tcp: true }] });
    const { spec } = JSON.parse(await plane.kubectl("get", "emu/sensor-01", "--output=json"));
    expect(spec.channels).toEqual([
      { name: "uart0", tcp: true },
      { name: "gdb", tcp: true },
    ]);
    await expect(write("lab", { power: "On" })).rejects.toThrow(/conflict with "radio": \.spec\.power/);
    await plane.kubectl("delete", "emu/sensor-01");
  });

  it("lets change what may change", async () => {
    await server.create(instance({ resetCount: 1 }));
    const changed = await server.change(instance({ resetCount: 2, power: "Off", paused: true, expose: "Headless" }));
    expect(changed.code).toBe(200);
    await server.delete(instance({}));
  });

  it.each(SHOWN_AS_CONDITION)("takes $what: what is wrong is shown as a condition", async ({ manifest }) => {
    const { code, body } = await server.create(manifest, { isDryRun: true });
    expect(code, String(body.message)).toBe(201);
  });

  it("has at least 40 bad manifests to refuse", () => {
    expect(REFUSED_AT_APPLY.length).toBeGreaterThanOrEqual(40);
    expect(new Set(REFUSED_AT_APPLY.map(({ what }) => what)).size).toBe(REFUSED_AT_APPLY.length);
  });

  it.each(REFUSED_AT_APPLY)("refuses $what, and says why", async ({ manifest, before, message }) => {
    if (before) expect((await server.create(before)).code).toBe(201);
    const { code, body } = await (before ? server.change(manifest) : server.create(manifest, { isDryRun: true }));
    if (before) await server.delete(before);
    expect(String(body.message).replace(/^\w+\.emufarm\.dev "[^"]*" is invalid: /, "")).toBe(message);
    expect(code).toBe(message.includes("strict decoding") ? 400 : 422);
  });
});

const POOLS = "/apis/emufarm.dev/v1alpha1/namespaces/default/emulatorpools";

/** kubectl wraps what it explains. */
function unwrapped(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
