import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CliPlace, image, type StartedCli } from "../cli-place.ts";

const place = new CliPlace();
let up: StartedCli;
const shell = image("mps2-an385", "shell");
const hello = image("mps2-an385", "hello");

async function startFarm(): Promise<void> {
  up = place.start(["up", "--port", "0", "--slots", "2", "--agents", "1"]);
  await up.said("is up");
}

beforeAll(startFarm);
afterAll(async () => {
  up.signal("SIGTERM");
  await up.result;
  place[Symbol.dispose]();
});

/** What a command says, which must go well. */
async function emufarm(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.run(args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

async function theOnlyOne(): Promise<{ readonly metadata: object; readonly status: object }> {
  const { items } = JSON.parse(await emufarm("get", "emu", "--json")) as {
    items: { metadata: object; status: object }[];
  };
  expect(items).toHaveLength(1);
  return items[0] as (typeof items)[number];
}

/** Settles when the list shows the only instance in this phase. */
async function shownAs(phase: string): Promise<void> {
  const watching = place.start(["get", "instances", "--watch"]);
  await watching.said(` ${phase} `);
  watching.signal("SIGINT");
  await watching.result;
}

async function refused(...args: string[]): Promise<string> {
  const { code, stderr } = await place.run(args);
  expect(code).not.toBe(0);
  return stderr;
}

it("starts, shows, switches, resets, flashes and deletes an instance as a person would", async () => {
  const started = await emufarm("start", "mps2-an385", shell, "--name", "sensor-01", "--tcp", "uart0");
  expect(started).toMatch(/^sensor-01 is running on mps2-an385\.$/m);
  expect(started).toMatch(/^ {2}uart0 +127\.0\.0\.1:\d+$/m);
  expect(started).toMatch(/^ {2}talk +emufarm console sensor-01 /m);
  expect(await emufarm("get", "instances")).toMatch(
    /^NAME +BOARD +PHASE +READY +PORTS +AGE\nsensor-01 +mps2-an385 +Running +True +uart0:\d+ +\d+s\n$/,
  );
  expect(await emufarm("get", "emu/sensor-01", "-o", "name")).toBe("emulatorinstance.emufarm.dev/sensor-01\n");
  const console = place.start(["console", "sensor-01"]);
  await console.said("> ");
  console.child.stdin.write("echo typed by a person\r");
  await console.said("typed by a person");
  expect(await emufarm("pause", "sensor-01")).toBe("sensor-01 is paused.\n");
  expect(await emufarm("describe", "sensor-01")).toMatch(/^ {2}go on +emufarm resume emu\/sensor-01 /m);
  expect(await emufarm("resume", "sensor-01")).toBe("sensor-01 goes on.\n");
  expect(await emufarm("power", "sensor-01", "off")).toBe("sensor-01 is off.\n");
  expect(await emufarm("power", "emu/sensor-01", "on")).toBe("sensor-01 is on.\n");
  await console.said("emufarm shell on mps2-an385", 2);
  expect(await emufarm("reset", "sensor-01")).toBe("sensor-01 was reset.\n");
  // The same console has stayed open over all of it.
  await console.said("emufarm shell on mps2-an385", 3);
  console.signal("SIGINT");
  await console.result;
  expect(await emufarm("flash", "sensor-01", hello)).toBe(`sensor-01 has ${hello}, 892 bytes.\n`);
  await shownAs("Succeeded");
  expect(await emufarm("logs", "sensor-01")).toContain("boot ok");
  const described = await emufarm("describe", "sensor-01");
  expect(described).toMatch(/^phase +Succeeded$/m);
  expect(described).toMatch(/^ {2}Scheduled +True +.+ +Scheduled +It has a slot of agent0\.$/m);
  expect(described).toMatch(/^ {2}reset +emufarm reset emu\/sensor-01 /m);
  expect(await refused("logs", "sensr-01")).toContain("There is no job or instance sensr-01. Did you mean sensor-01?");
  expect(await refused("start", "mps2-an385", hello, "--name", "sensor-01")).toContain("emufarm flash sensor-01");
  expect(await emufarm("completion", "words", "--", "power", "se")).toBe("sensor-01\n");
  expect(await refused("pause", "sensor-01")).toContain("emufarm reset sensor-01 starts it again");
  expect(await emufarm("delete", "emu/sensor-01")).toBe('emulatorinstance.emufarm.dev "sensor-01" deleted\n');
});

it("says what became of a guest that cannot run, and that it is there still", async () => {
  const garbage = join(place.folder, "garbage.bin");
  // A stack and a first instruction that are nowhere.
  writeFileSync(garbage, Buffer.alloc(1_024, 0xee));
  const { code, stderr } = await place.run(["start", "mps2-an385", garbage, "--name", "broken"]);
  // On a machine that is slow enough it was running still when it was looked at.
  if (code !== 0) {
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /GuestCrashed.*; it is there still: emufarm describe emu\/broken .*emufarm delete emu\/broken/s,
    );
  }
  await shownAs("Failed");
  await emufarm("delete", "broken");
  const refusedStart = await refused("start", "mps2-an385", shell, "--name", "broken", "--tcp", "gpio");
  expect(refusedStart).toContain("channel gpio is not supported by board mps2-an385");
  const text = join(place.folder, "notes.txt");
  writeFileSync(text, "no firmware at all\n");
  expect(await refused("start", "mps2-an385", text)).toContain(`The firmware ${text} is a text file; board mps2-an385`);
  expect(await refused("start", "mps2-an385", shell, "--name", "Desk_1")).toContain(
    "--name Desk_1: must be lower-case",
  );
  expect(await emufarm("get", "emu", "-o", "name")).toBe("");
});

it("jobs that find every slot taken by instances say what they wait for", async () => {
  for (const name of ["first", "second"]) await emufarm("start", "mps2-an385", shell, "--name", name);
  const run = place.start(["run", "mps2-an385", hello]);
  const file = join(place.folder, "one.run.yaml");
  const jobs = [{ name: "hello", board: "mps2-an385", firmware: hello }];
  const document = { apiVersion: "emufarm.dev/v1alpha1", kind: "Run", metadata: { name: "one" }, spec: { jobs } };
  writeFileSync(file, JSON.stringify(document));
  const test = place.start(["test", file]);
  await run.said(
    "the job waits: next in line; waits for a free slot (instances hold slots, too: emufarm get instances)",
  );
  await test.said("the job waits: ");
  for (const name of ["first", "second"]) await emufarm("delete", name);
  expect([(await run.result).code, (await test.result).code]).toEqual([0, 0]);
});

it("applies files as on a cluster, and says where one is wrong", async () => {
  const file = join(place.folder, "instance.yaml");
  const write = (...lines: string[]) =>
    writeFileSync(
      file,
      ["apiVersion: emufarm.dev/v1alpha1", "kind: EmulatorInstance", "metadata: {name: from-file}", ...lines].join(
        "\n",
      ),
    );
  const name = "emulatorinstance.emufarm.dev/from-file";
  write("spec:", "  board: mps2-an385", `  power: "Off"`);
  expect(await emufarm("apply", "-f", file)).toBe(`${name} created\n`);
  expect(await emufarm("apply", "-f", file)).toBe(`${name} unchanged\n`);
  write("spec:", "  board: mps2-an385", `  power: "Off"`, "  paused: true");
  expect(await emufarm("apply", "-f", file)).toBe(`${name} configured\n`);
  write("spec:", "  board: mps2-an386");
  expect(await refused("apply", "-f", file)).toMatch(/instance\.yaml:\d+:\d+: spec: .*spec\.board cannot be changed/);
  write("spec:", "  board: mps2-an385", "  powr: Off");
  expect(await refused("apply", "-f", file)).toContain('instance.yaml:6:3: spec: found unknown key "powr"');
  await emufarm("delete", "from-file");
});

it("finds its instances again after everything was killed at once", async () => {
  await emufarm("start", "mps2-an385", shell, "--name", "lasting", "--tcp", "uart0");
  const before = await theOnlyOne();
  place.kill();
  await up.result;
  await startFarm();
  await shownAs("Running");
  const after = await theOnlyOne();
  expect(after.metadata).toEqual(before.metadata);
  expect(after.status).toMatchObject({ phase: "Running", lastExit: { reason: "EmulatorKilled" } });
  await emufarm("delete", "lasting");
});

it("whoever watches is told that the farm was stopped", async () => {
  await emufarm("start", "mps2-an385", shell, "--name", "watched");
  const watching = place.start(["get", "instances", "--watch"]);
  await watching.said(" Running ");
  up.signal("SIGTERM");
  const { code, stderr } = await watching.result;
  // The connection may end in order, or break with its server.
  expect(stderr).toMatch(/emufarm up --data \S+ \[(FarmStopped|FarmNotRunning)\]\n$/);
  expect(code).toBe(5);
});
