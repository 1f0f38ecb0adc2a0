import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ControlPlane, noControlPlane, startControlPlane } from "../../cluster/control-plane.ts";
import { CliPlace, PROJECT } from "../cli-place.ts";

const DEFINITIONS = join(PROJECT, "charts/emufarm/crds");
const INSTANCE = join(PROJECT, "manifests/examples/instance.yaml");
const READY = { type: "Ready", status: "True", reason: "Running", message: "The board runs." };

const unavailable = noControlPlane();

/** Ages pass by while one looks. */
const ageless = (text: string) => text.replace(/\b\d+[smh](\d+s)?(?=\s|$)/g, (age) => "A".padEnd(age.length));
const squeezed = (text: string) => ageless(text).replace(/ +/g, " ").trim();

describe.skipIf(unavailable)(`emufarm on a cluster${unavailable ? ` (${unavailable})` : ""}`, () => {
  let plane: ControlPlane;
  const place = new CliPlace();

  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(async () => {
    place[Symbol.dispose]();
    await plane?.[Symbol.asyncDispose]();
  });

  const cluster = (args: readonly string[], kubeconfig = plane.kubeconfig, input = "") =>
    place.run(args, { env: { KUBECONFIG: kubeconfig }, input });
  const file = (name: string, content: string) => {
    const path = join(place.folder, name);
    writeFileSync(path, content);
    return path;
  };
  /** Somebody with these roles in the namespace. */
  const userWith = async (name: string, ...rules: string[]) => {
    await plane.kubectl("create", "serviceaccount", name);
    await plane.kubectl("create", "role", name, ...rules);
    await plane.kubectl("create", "rolebinding", name, `--role=${name}`, `--serviceaccount=default:${name}`);
    return file(`${name}.kubeconfig`, kubeconfigFor((await plane.kubectl("create", "token", name)).trim()));
  };
  const kubeconfigFor = (token: string) => {
    const config = JSON.parse(readFileSync(plane.kubeconfig, "utf8")) as { users: { user: object }[] };
    config.users = [{ ...config.users[0], user: { token } }];
    return JSON.stringify(config);
  };

  describe("without the farm's kinds", () => {
    it("says that they are not installed, and how they are", async () => {
      const { code, stdout, stderr } = await cluster(["get", "emu"]);
      expect({ code, stdout }).toEqual({ code: 5, stdout: "" });
      expect(stderr).toMatch(
        /^emufarm: The cluster at https:\S+ has no kind EmulatorInstances?\. The farm's chart brings it: helm install .* \[KindNotInstalled\]\n$/,
      );
    });

    it("refuses to apply what the cluster does not know", async () => {
      const { code, stderr } = await cluster(["apply", "-f", INSTANCE]);
      expect(code).toBe(5);
      expect(stderr).toContain("has no kind EmulatorInstance (emufarm.dev/v1alpha1)");
    });

    it("finds in a check-up what is missing", async () => {
      const { code, stdout } = await cluster(["doctor", "--context", "test"]);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^ok +cluster +Kubernetes v1\.\d+\.\d+ at https:\S+, context test, namespace default$/m);
      expect(stdout).toMatch(
        /^fail +kinds +the cluster does not know Board, ClusterBoard, EmulatorInstance, Emulator/m,
      );
      expect(stdout).toMatch(/^fail +farm +no operator and no API runs in the cluster\n +do: helm install/m);
    });
  });

  describe("with an instance", () => {
    beforeAll(async () => {
      await plane.kubectl("apply", "--server-side", "-f", DEFINITIONS);
      await plane.kubectl("wait", "--for=condition=Established", "crd", "--all");
      await plane.kubectl("apply", "-f", join(PROJECT, "manifests/boards/mps2-an385.yaml"));
      await plane.kubectl("create", "namespace", "lab");
    });

    it("applies by server-side apply as emufarm, twice alike", async () => {
      const first = await cluster(["apply", "-f", INSTANCE, "-n", "lab"]);
      const second = await cluster(["apply", "-f", "-", "-n", "lab"], plane.kubeconfig, readFileSync(INSTANCE, "utf8"));
      const told = { code: 0, stdout: "emulatorinstance.emufarm.dev/sensor-01 serverside-applied\n", stderr: "" };
      expect([first, second]).toEqual([told, told]);
      const path = "{.metadata.managedFields[*]['manager','operation']}";
      expect(
        await plane.kubectl("get", "emu/sensor-01", "-n", "lab", "--show-managed-fields", "-o", `jsonpath=${path}`),
      ).toBe("emufarm Apply");
    });

    it("applies kinds that are not the farm's along with its own", async () => {
      const both = `${readFileSync(join(PROJECT, "manifests/examples/pool.yaml"), "utf8")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: images}\ndata: {a: b}\n`;
      const { code, stdout } = await cluster(["apply", "-f", file("both.yaml", both)]);
      expect(code).toBe(0);
      expect(stdout).toBe("emulatorpool.emufarm.dev/default serverside-applied\nconfigmap/images serverside-applied\n");
      expect(await plane.kubectl("get", "configmap/images", "-o", "jsonpath={.data.a}")).toBe("b");
    });

    it("shows what kubectl get shows", async () => {
      const status = { phase: "Running", address: "sensor-01.lab.svc", conditions: [condition(READY)] };
      const patch = ["patch", "emu/sensor-01", "-n", "lab", "--subresource=status", "--type=merge", "-p"];
      await plane.kubectl(...patch, JSON.stringify({ status }));
      const questions = [
        ["get", "emu", "-n", "lab"],
        ["get", "emulatorinstances", "-A", "-o", "wide"],
        ["get", "emu/sensor-01", "emu/sensor-01", "-n", "lab"],
        ["get", "emupool,cbrd"],
        ["get", "emu", "-n", "lab", "-o", "name"],
        ["get", "cbrd", "mps2-an385"],
      ];
      for (const question of questions) {
        const { code, stdout } = await cluster(question);
        expect(code).toBe(0);
        expect(squeezed(stdout)).toBe(squeezed(await plane.kubectl(...question)));
      }
      const [own, theirs] = [
        await cluster(["get", "emu", "-n", "lab"]),
        await plane.kubectl("get", "emu", "-n", "lab"),
      ];
      expect(
        ageless(own.stdout)
          .trimEnd()
          .split("\n")
          .map((line) => line.trimEnd()),
      ).toEqual(
        ageless(theirs)
          .split("\n")
          .map((line) => line.trimEnd()),
      );
    });

    it("prints objects as JSON and YAML that can be applied again", async () => {
      const json = await cluster(["get", "emu/sensor-01", "-n", "lab", "-o", "json"]);
      expect(JSON.parse(json.stdout)).toMatchObject({ kind: "EmulatorInstance", spec: { power: "On" } });
      const yaml = await cluster(["get", "emu", "sensor-01", "-n", "lab", "-o", "yaml"]);
      expect(yaml.stdout).toContain('power: "On"\n');
      expect((await cluster(["apply", "-n", "lab", "-f", "-"], plane.kubeconfig, yaml.stdout)).code).toBe(0);
      const list = await cluster(["get", "emu", "-A", "-o", "json"]);
      expect(JSON.parse(list.stdout)).toMatchObject({ kind: "List", items: [{ metadata: { name: "sensor-01" } }] });
    });

    it("says that there is nothing, as kubectl does", async () => {
      const nothing = await cluster(["get", "emu"]);
      expect(nothing).toEqual({ code: 0, stdout: "", stderr: "No resources found in default namespace.\n" });
      const { code, stderr } = await cluster(["get", "emu", "other", "-n", "lab"]);
      expect(code).toBe(2);
      expect(stderr).toBe("emufarm: There is no EmulatorInstance other. [NotFound]\n");
    });

    it("goes on with what changes, until it is interrupted", async () => {
      const watching = place.start(["get", "emu", "-n", "lab", "-w"], { env: { KUBECONFIG: plane.kubeconfig } });
      await watching.said("sensor-01");
      const patch = ["patch", "emu/sensor-01", "-n", "lab", "--subresource=status", "--type=merge", "-p"];
      await plane.kubectl(...patch, '{"status":{"phase":"Paused"}}');
      await watching.said("Paused");
      watching.signal("SIGINT");
      const { code, stdout } = await watching.result;
      expect(code).toBe(130);
      expect(
        stdout
          .trimEnd()
          .split("\n")
          .map((line) => line.split(/ +/).slice(0, 3)),
      ).toEqual([
        ["NAME", "BOARD", "PHASE"],
        ["sensor-01", "mps2-an385", "Running"],
        ["sensor-01", "mps2-an385", "Paused"],
      ]);
    });

    it("describes it with conditions, events and what can be done next", async () => {
      const event = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "seen", namespace: "lab" },
        involvedObject: JSON.parse(
          await plane.kubectl("get", "emu/sensor-01", "-n", "lab", "-o", "json"),
          (key, value: unknown) => (key === "spec" || key === "status" ? undefined : value),
        ) as object,
        type: "Warning",
        reason: "Guest",
        message: "it\u001b[31m says\u0007 something",
        count: 3,
        lastTimestamp: new Date().toISOString().replace(/[.]\d+/, ""),
      };
      const { metadata } = event.involvedObject as { metadata: { uid: string; name: string } };
      const involvedObject = { kind: "EmulatorInstance", namespace: "lab", ...metadata, metadata: undefined };
      await plane.kubectl(
        "create",
        "-f",
        file("event.json", JSON.stringify({ ...event, involvedObject })),
        "--validate=false",
      );
      const { code, stdout } = await cluster(["describe", "emu", "sensor-01", "-n", "lab"]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^emulatorinstance +sensor-01 in namespace lab$/m);
      expect(stdout).toMatch(/^address +sensor-01\.lab\.svc$/m);
      expect(stdout).toMatch(/^ {2}Ready +True +[\dms ]+ +Running +The board runs\.$/m);
      expect(stdout).toMatch(/^ {2}\S+ +Warning +Guest +it says something \(3 times\)$/m);
      expect(stdout).toMatch(/^ {2}reset +emufarm reset emu\/sensor-01 --namespace lab$/m);
    });

    it("is switched, reset and given other firmware by its spec", async () => {
      const image = join(PROJECT, "examples/images/mps2-an385/hello.elf");
      const specAfter = async (...args: string[]) => {
        const { stderr } = await cluster([...args, "-n", "lab", "--no-wait"]);
        expect(stderr).toBe("");
        const { stdout } = await cluster(["get", "emu/sensor-01", "-n", "lab", "-o", "json"]);
        return (JSON.parse(stdout) as { spec: Record<string, unknown> }).spec;
      };
      expect(await specAfter("power", "emu/sensor-01", "off")).toMatchObject({ power: "Off" });
      expect(await specAfter("power", "emu/sensor-01", "on")).toMatchObject({ power: "On" });
      expect(await specAfter("reset", "sensor-01")).toMatchObject({ resetCount: 1 });
      const inline = readFileSync(image).toString("base64");
      expect((await specAfter("flash", "sensor-01", image)).firmware).toEqual({ inline });
      const started = await cluster(["start", "mps2-an385", image, "--name", "short", "-n", "lab", "--no-wait"]);
      expect(started.stdout).toContain("short is pending on mps2-an385.");
      const deleted = await cluster(["delete", "emu/short", "-n", "lab"]);
      expect(deleted.stdout).toBe('emulatorinstance.emufarm.dev "short" deleted\n');
      const again = await cluster(["delete", "emu/shor", "-n", "lab"]);
      expect(again.stderr).toContain("There is no job or instance emu/shor in namespace lab.");
    });

    it("says why there is no console", async () => {
      const { code, stderr } = await cluster(["console", "emu/sensor-01", "-n", "lab"]);
      expect(code).toBe(5);
      expect(stderr).toBe(
        "emufarm: A channel of sensor-01 cannot be reached: it has no pod now (Paused); The board runs. [ChannelUnreachable]\n",
      );
    });

    it("finds no farm to run on", async () => {
      const image = join(PROJECT, "examples/images/mps2-an385/hello.elf");
      const { code, stderr } = await cluster(["run", "mps2-an385", image, "-n", "lab"]);
      expect(code).toBe(2);
      expect(stderr).toBe(
        "emufarm: There is no farm in namespace lab, nor in another where you may look; --namespace names the farm's. [NotFound]\n",
      );
    });
  });

  describe("where something is wrong", () => {
    it("names file and line before anything is sent", async () => {
      const bad = `apiVersion: v1
kind: ConfigMap
metadata: {name: never}
---
apiVersion: emufarm.dev/v1alpha1
kind: EmulatorInstance
metadata: {name: Sensor}
spec:
  bord: mps2-an385
---
apiVersion: emufarm.dev/v1alpha1
kind: EmulatorPol
metadata: {name: a}
`;
      const { code, stdout, stderr } = await cluster(["apply", "-f", file("bad.yaml", bad)]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain('/bad.yaml:7:18: metadata.name: found "Sensor"');
      expect(stderr).toContain('/bad.yaml:9:3: spec: found unknown key "bord"');
      expect(stderr).toMatch(/bad\.yaml:12:7: kind: found "EmulatorPol".*did you mean "EmulatorPool"\?/);
      expect(await plane.kubectl("get", "configmap", "-o", "name")).not.toContain("never");
    });

    it("gives what the cluster refuses its place in the file", async () => {
      const other = readFileSync(INSTANCE, "utf8").replace("board: mps2-an385", "board: other");
      const { code, stderr } = await cluster(["apply", "-n", "lab", "-f", file("other.yaml", other)]);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /other\.yaml:11:10: spec\.board: cannot be changed: make another instance\. \[InvalidDocument\]\n$/,
      );
    });

    it("tells who else has set a field, and takes it over when asked to", async () => {
      const patch = ["patch", "emu/sensor-01", "-n", "lab", "--type=merge", "-p", '{"spec":{"power":"Off"}}'];
      await plane.kubectl(...patch, "--field-manager=somebody");
      const own = readFileSync(INSTANCE, "utf8").replace("spec:\n", `spec:\n  power: "On"\n`);
      const { code, stderr } = await cluster(["apply", "-n", "lab", "-f", file("own.yaml", own)]);
      expect(code).toBe(2);
      expect(stderr).toMatch(
        /^emufarm: EmulatorInstance sensor-01 conflicts .*\.spec\.power \(conflict with "somebody"/,
      );
      const forced = await cluster(["apply", "-n", "lab", "--force-conflicts", "-f", file("own.yaml", own)]);
      expect(forced.code).toBe(0);
      expect(await plane.kubectl("get", "emu/sensor-01", "-n", "lab", "-o", "jsonpath={.spec.power}")).toBe("On");
    });

    it("does not apply into another namespace than the file says", async () => {
      const own = readFileSync(INSTANCE, "utf8").replace("name: sensor-01\n", "name: sensor-01\n  namespace: lab\n");
      const { code, stderr } = await cluster(["apply", "-n", "default", "-f", file("placed.yaml", own)]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/placed\.yaml:10:14: metadata\.namespace: found "lab", but --namespace says "default"/);
    });

    it.each([
      ["an absent file", ["apply", "-f", "absent.yaml"], 2, "There is no file absent.yaml. [NotFound]"],
      ["an unknown word", ["get", "pods", "-n", "a"], 2, "pods is nothing that get shows: emu, emupool"],
      ["an unknown kind", ["describe", "pods/a"], 2, "pods/a is no kind of object: emu, emupool, brd or cbrd"],
      [
        "a cluster and none",
        ["run", "a", "b", "-n", "a", "--no-farm"],
        2,
        "--no-farm and a cluster exclude each other",
      ],
      ["options of objects for runs", ["get", "runs", "-o", "yaml"], 2, "--output (but json) are for objects"],
      ["an unknown context", ["get", "emu", "--context", "no"], 2, 'no context "no"; it has test. [NoCluster]'],
      ["no kubeconfig", ["get", "emu", "--kubeconfig", "no"], 2, "No cluster is chosen: there is no kubeconfig /"],
      ["names everywhere", ["get", "emu", "a", "-A"], 2, "names and --all-namespaces or --selector exclude each other"],
    ])("says so for %s", async (_what, args, code, words) => {
      const told = await cluster(args);
      expect(told.code).toBe(code);
      expect(told.stderr).toContain(words);
    });

    it("says which right is missing", async () => {
      const viewer = await userWith("viewer", "--verb=get,list,watch", "--resource=emulatorinstances.emufarm.dev");
      expect((await cluster(["get", "emu"], viewer)).code).toBe(0);
      const { code, stderr } = await cluster(["get", "emupool"], viewer);
      expect(code).toBe(3);
      expect(stderr).toBe(
        'emufarm: This is not allowed: User "system:serviceaccount:default:viewer" cannot list resource "emulatorpools" in API group "emufarm.dev" in the namespace "default". [Forbidden]\n',
      );
      const doctor = await cluster(["doctor", "-n", "default"], viewer);
      expect(doctor.stdout).toMatch(/^ok +rights +yours in default: see instances$/m);
      expect(doctor.stdout).toMatch(
        /^warn +rights +not yours in default: make instances, raw consoles, consoles and logs$/m,
      );
    });

    it("says that the login is not taken", async () => {
      const stranger = file("stranger.kubeconfig", kubeconfigFor("not a token of anybody"));
      const { code, stderr } = await cluster(["get", "emu"], stranger);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^emufarm: The cluster at https:\S+ does not know you: Unauthorized\. Log in again/);
    });

    it("says that nobody answers", async () => {
      await plane.stopApiServer();
      const { code, stderr } = await cluster(["get", "emu"]);
      expect(code).toBe(5);
      expect(stderr).toMatch(
        /^emufarm: The cluster cannot be reached: no answer from the API server at 127\.0\.0\.1:\d+/,
      );
      expect(stderr).not.toContain("    at ");
    });
  });
});

function condition(fields: typeof READY): object {
  return { ...fields, lastTransitionTime: new Date().toISOString().replace(/[.]\d+/, ""), observedGeneration: 1 };
}
