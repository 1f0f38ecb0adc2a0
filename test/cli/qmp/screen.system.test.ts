import { once } from "node:events";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildFirmware } from "../../firmware/build.ts";
import { CliPlace, image, type StartedCli } from "../cli-place.ts";

const BOARD = "arm-virt";
const SIZE = [320, 200];

let place: CliPlace;
let farm: StartedCli;
let project: string;

beforeAll(async () => {
  place = new CliPlace();
  farm = place.start(["up", "--port", "0", "--slots", "2"]);
  project = join(place.folder, "project");
  await mkdir(project);
  await cp(join(await buildFirmware(), BOARD, "picture.elf"), join(project, "picture.elf"));
  await farm.said("is up");
});

afterAll(async () => {
  farm.signal("SIGTERM");
  await farm.result;
  place[Symbol.dispose]();
});

const scenario = (step: object) => ({
  version: 1,
  steps: [{ "wait-serial": "drawn" }, { "take-screenshot": step, timeout: "1m" }],
});

async function runFile(name: string, step: object): Promise<string> {
  const jobs = [{ name: "draws bars", board: BOARD, firmware: "picture.elf", scenario: scenario(step) }];
  const document = { apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name }, spec: { jobs } };
  const file = join(project, `${name}.run.yaml`);
  await writeFile(file, JSON.stringify(document));
  return file;
}

async function sizeOf(path: string): Promise<number[]> {
  const { width, height } = PNG.sync.read(await readFile(path));
  return [width, height];
}

test("a picture comes out of a test, and the next test is compared with it", async () => {
  const kept = join(place.folder, "kept");
  const first = await place.run(["test", await runFile("first", { "save-to": "./bars.png" }), "--artifacts", kept]);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(await readdir(kept, { recursive: true })).toContain(`${BOARD}/draws-bars/bars.png`);
  const picture = join(kept, BOARD, "draws-bars/bars.png");
  expect(await sizeOf(picture)).toEqual(SIZE);

  await cp(picture, join(project, "expected.png"));
  const same = await place.run(["test", await runFile("same", { "compare-with": "expected.png" })]);
  expect(same).toMatchObject({ code: 0, stderr: "" });
});

test("emufarm run keeps what its scenario makes, on the farm and without one", async () => {
  const file = join(project, "keep.yaml");
  await writeFile(file, JSON.stringify(scenario({ "save-to": "screen.png" })));
  for (const [name, options] of [
    ["farm", []],
    ["none", ["--no-farm"]],
  ] as const) {
    const kept = join(place.folder, `run-${name}`);
    const args = ["run", BOARD, join(project, "picture.elf"), "--scenario", file, "--artifacts", kept, ...options];
    const { code, stderr } = await place.run(args);
    expect(stderr).toContain("passed");
    expect(code).toBe(0);
    expect(await sizeOf(join(kept, "screen.png"))).toEqual(SIZE);
  }
});

test("a picture that is not there is told with its place in the file", async () => {
  const file = join(project, "missing.yaml");
  const steps = "{version: 1, steps: [\n  {wait-serial: drawn},\n  {take-screenshot: {compare-with: gone.png}}]}\n";
  await writeFile(file, steps);
  const { code, stderr } = await place.run(["run", BOARD, join(project, "picture.elf"), "--scenario", file]);
  expect(stderr).toContain("missing.yaml:3:");
  expect(stderr).toContain("There is no picture gone.png");
  expect(code).toBe(2);
});

test("a display of a running job is seen by emufarm screen, and by VNC", async () => {
  const file = join(project, "look.yaml");
  const never = { version: 1, steps: [{ "take-screenshot": {} }, { "wait-serial": "never" }] };
  await writeFile(file, JSON.stringify(never));
  const running = place.start(["run", BOARD, join(project, "picture.elf"), "--scenario", file, "--timeout", "10m"]);
  await running.said("drawn");
  const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
  const job = `${run.id}-000000`;
  const output = join(place.folder, "now.png");
  expect(await place.run(["screen", job, "-o", output])).toMatchObject({ code: 0, stderr: "" });
  expect(await sizeOf(output)).toEqual(SIZE);

  const path = join(place.folder, "vnc.sock");
  const offer = place.start(["vnc", job, "--listen", `unix:${path}`]);
  await offer.said("Ctrl-C ends");
  const viewer = connect(path);
  expect(String((await once(viewer, "data"))[0])).toBe("RFB 003.008\n");
  viewer.destroy();
  offer.signal("SIGINT");
  await offer.result;
  await place.run(["cancel", job]);
  await running.result;
});

test("a board without a display says so", async () => {
  const running = place.start(["run", "mps2-an385", image("mps2-an385", "shell"), "--timeout", "10m", "-i"]);
  await running.said("emufarm shell");
  const [run] = JSON.parse((await place.run(["get", "runs", "--json"])).stdout);
  for (const command of ["screen", "vnc"]) {
    const { code, stderr } = await place.run([command, `${run.id}-000000`]);
    expect(stderr).toContain("it has no display");
    expect(code).not.toBe(0);
  }
  await place.run(["cancel", `${run.id}-000000`]);
  await running.result;
});
