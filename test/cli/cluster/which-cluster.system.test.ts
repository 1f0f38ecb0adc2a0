import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, PROJECT } from "../cli-place.ts";

const MAIN = join(PROJECT, "src/cli/main.ts");
/** A cluster that is away: which one is meant is known before anybody is asked. */
const KUBECONFIG = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "lab", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "me", user: { token: "none" } }],
  contexts: [{ name: "the-lab", context: { cluster: "lab", user: "me", namespace: "bench" } }],
  "current-context": "the-lab",
};

let place: CliPlace;
let kubeconfig: string;

beforeAll(() => {
  place = new CliPlace();
  mkdirSync(join(place.folder, ".kube"));
  // Where kubectl looks: the place's folder is its home.
  kubeconfig = join(place.folder, ".kube/config");
  writeFileSync(kubeconfig, JSON.stringify(KUBECONFIG));
});

afterAll(() => place[Symbol.dispose]());

describe("a cluster that nobody named", () => {
  it("is told to a person at a terminal, and to no script", async () => {
    const env = { KUBECONFIG: kubeconfig };
    const command = `'${process.execPath}' '${MAIN}' get emu`;
    const person = await place.run([], { program: ["script", "-qfec", command, "/dev/null"], env });
    expect(person.stdout).toContain(
      "emufarm: no farm is up here; this is the cluster of context the-lab, namespace bench",
    );
    const script = await place.run(["get", "emu"], { env });
    expect(script.stderr).toMatch(/^emufarm: The cluster cannot be reached: .+ \[ClusterUnreachable\]\n$/);
  });

  it("is not meant where the folder of a farm is named, and only kubectl's own file tells of a cluster", async () => {
    const { code, stderr } = await place.run(["get", "emu"]);
    expect(stderr).toContain(`No farm answers at ${place.data}. Start one: emufarm up --data`);
    expect(code).toBe(5);
  });
});
