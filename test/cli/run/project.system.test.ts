import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, image } from "../cli-place.ts";

const BOARD = "mps2-an385";

let place: CliPlace;

beforeAll(() => {
  place = new CliPlace();
});

afterAll(() => place[Symbol.dispose]());

const run = (...args: string[]) => place.run(["run", ...args, "--no-farm"], { cwd: place.folder });

interface ProjectFiles {
  readonly "wokwi.toml"?: string | undefined;
  readonly "diagram.json"?: unknown;
  readonly "talk.test.yaml"?: string;
}

/** A project of the simulator, with an image that talks on its UART. */
async function project(name: string, files: ProjectFiles): Promise<string> {
  const folder = join(place.folder, name);
  await mkdir(folder, { recursive: true });
  await copyFile(image(BOARD, "shell"), join(folder, "app.elf"));
  const all = { "wokwi.toml": "[wokwi]\nversion = 1\nfirmware = 'app.elf'\nelf = 'app.elf'\n", ...files };
  for (const [file, content] of Object.entries(all)) {
    if (content === undefined) continue;
    await writeFile(join(folder, file), typeof content === "string" ? content : JSON.stringify(content, undefined, 2));
  }
  return name;
}

const diagram = (...parts: { id: string; type: string }[]) => ({
  version: 1,
  author: "emufarm",
  editor: "wokwi",
  parts: [{ type: `board-${BOARD}`, id: "board", top: 0, left: 0, attrs: {} }, ...parts],
  connections: [
    ["board:TX", "$serialMonitor:RX", "", []],
    ["board:RX", "$serialMonitor:TX", "", []],
  ],
});

const TALK =
  "name: Talk\nversion: 1\nsteps:\n  - wait-serial: 'emufarm shell'\n  - write-serial: \"echo hi\\n\"\n  - wait-serial: hi\n";

describe("emufarm run FOLDER", () => {
  it("takes the image from wokwi.toml, the board from diagram.json, and a scenario by its name there", async () => {
    const folder = await project("talk", { "diagram.json": diagram(), "talk.test.yaml": TALK });
    const result = await run(folder, "--scenario", "talk.test.yaml");
    expect(result).toMatchObject({ code: 0, stderr: expect.stringMatching(/passed in /) });
    const text = await run(folder, "--expect-text", "emufarm shell");
    expect(text.code).toBe(0);
  });

  it("takes an image whose path is absolute as it is", async () => {
    const toml = `[wokwi]\nversion = 1\nfirmware = '${image(BOARD, "hello")}'\n`;
    const folder = await project("absolute", { "wokwi.toml": toml, "diagram.json": diagram() });
    expect(await run(folder, "--expect-text", "boot ok")).toMatchObject({ code: 0 });
  });

  it("runs on another board where that is named", async () => {
    const folder = await project("named", { "diagram.json": { ...diagram(), parts: [], connections: [] } });
    const result = await run(BOARD, folder, "--expect-text", "emufarm shell");
    expect(result.code).toBe(0);
  });

  it.each<[string, ProjectFiles, readonly string[], RegExp]>([
    ["no wokwi.toml", { "wokwi.toml": undefined }, [], /has no wokwi\.toml: emufarm run takes a board and an image/],
    ["a wokwi.toml that is none", { "wokwi.toml": "[wokwi" }, [], /wokwi\.toml:1:\d+: /],
    ["no diagram", {}, [], /There is no board of type none\. Choose one: emufarm run BOARD /],
    [
      "a board that nobody has",
      { "diagram.json": { version: 1, parts: [{ id: "esp", type: "board-esp32-unheard-of" }] } },
      [],
      /There is no board of type board-esp32-unheard-of\./,
    ],
    ["a diagram that is none", { "diagram.json": '{"version": 1,\n"parts": {}}' }, [], /diagram\.json:2:10: parts: /],
    [
      "a part that is not known, by name and place",
      { "diagram.json": diagram({ id: "dht1", type: "wokwi-dht22" }) },
      [],
      /diagram\.json:15:15: parts\[1\]\.type: In the diagram, part dht1 \(wokwi-dht22\) is not supported by board mps2-an385/,
    ],
    [
      "the same with a scenario",
      { "diagram.json": diagram({ id: "dht1", type: "wokwi-dht22" }), "talk.test.yaml": TALK },
      ["--scenario", "talk.test.yaml"],
      /diagram\.json:15:15: parts\[1\]\.type: /,
    ],
  ])("refuses %s", async (what, files, args, words) => {
    const folder = await project(`refused-${what.replaceAll(/\W+/g, "-")}`, files);
    const { code, stderr } = await run(folder, ...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(words) });
  });

  it("says of a step in the scenario where it stands", async () => {
    const steps = "steps:\n  - set-control: {part-id: btn1, control: pressed, value: 1}\n";
    const folder = await project("lost", { "diagram.json": diagram(), "talk.test.yaml": `version: 1\n${steps}` });
    const { code, stderr } = await run(folder, "--scenario", "talk.test.yaml");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/talk\.test\.yaml:3:\d+: .*set-control/),
    });
  });
});
