/** Projects of a simulator for boards, written after its public documentation: each runs as it is. */
import { readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildFirmware } from "../../firmware/build.ts";
import { hasRecordedToolchain } from "../../firmware/recorded-toolchain.ts";
import { CliPlace, PROJECT } from "../cli-place.ts";

const DIAGRAMS = join(PROJECT, "examples/diagrams");
const NAMES = readdirSync(DIAGRAMS, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const QEMU = ["stock", ...(process.env.EMUFARM_FARM_QEMU_PATH === undefined ? [] : ["ours"])] as const;

let place: CliPlace;
let built: string;

beforeAll(async () => {
  place = new CliPlace();
  built = await buildFirmware();
});

afterAll(() => place[Symbol.dispose]());

function emulators(which: (typeof QEMU)[number]): Record<string, string> {
  const { EMUFARM_QEMU_PATH = "", EMUFARM_FARM_QEMU_PATH = "" } = process.env;
  const folders = which === "ours" ? [EMUFARM_FARM_QEMU_PATH, EMUFARM_QEMU_PATH] : [EMUFARM_QEMU_PATH];
  return { EMUFARM_QEMU: "stock", EMUFARM_QEMU_PATH: folders.filter((folder) => folder !== "").join(":") };
}

/** Board and app of a project, as its wokwi.toml names the image. */
function imageOf(name: string): { board: string; app: string } {
  const toml = readFileSync(join(DIAGRAMS, name, "wokwi.toml"), "utf8");
  const [, board = "", app = ""] = /images\/([^/]+)\/([^/]+)\.elf/.exec(toml) ?? [];
  return { board, app };
}

it("there are ten of them, over four boards", () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(10);
  expect(new Set(NAMES.map((name) => imageOf(name).board)).size).toBeGreaterThanOrEqual(4);
});

describe.each(NAMES)("the project %s", (name) => {
  const { board, app } = imageOf(name);

  it("has the image that its sources give", async () => {
    const committed = await readFile(join(PROJECT, "examples/images", board, `${app}.elf`));
    const rebuilt = await readFile(join(built, board, `${app}.elf`));
    if (await hasRecordedToolchain(board)) {
      expect(committed.equals(rebuilt), "the bytes differ: build the images anew").toBe(true);
      return;
    }
    const folder = await copyOf(name, rebuilt);
    const { code, stderr } = await place.run(["run", folder, "--scenario", `${app}.test.yaml`, "--no-farm"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/passed in /) });
  });

  it.each(QEMU)("passes as it is on %s QEMU", async (which) => {
    const args = ["run", join("examples/diagrams", name), "--scenario", `${app}.test.yaml`, "--no-farm"];
    const { code, stderr } = await place.run(args, { env: emulators(which) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/passed in /) });
  });
});

/** A copy of a project, with this image in it. */
async function copyOf(name: string, image: Buffer): Promise<string> {
  const folder = join(place.folder, `copy-${crypto.randomUUID()}`, "a", "project");
  await mkdir(folder, { recursive: true });
  await cp(join(DIAGRAMS, name), folder, { recursive: true });
  await writeFile(join(folder, "image.elf"), image);
  await writeFile(join(folder, "wokwi.toml"), "[wokwi]\nversion = 1\nfirmware = 'image.elf'\n");
  return folder;
}

describe("a project with a fault in it", () => {
  /** A copy of the project with the button, and the words in one of its files exchanged. */
  async function spoilt(file: string, from: RegExp, to: string): Promise<string> {
    const folder = await copyOf(
      "button-microbit",
      await readFile(join(PROJECT, "examples/images/microbit/button.elf")),
    );
    const text = await readFile(join(folder, file), "utf8");
    expect(text).toMatch(from);
    await writeFile(join(folder, file), text.replace(from, to));
    return folder;
  }

  it.each([
    [
      "a LED that is wired to another pin",
      "diagram.json",
      /board:P0"/,
      'board:P1"',
      1,
      /expected level 1, but it is 0/,
    ],
    [
      "a button that nobody presses",
      "button.test.yaml",
      /pressed, value: 1/,
      "pressed, value: 0",
      42,
      /it was waiting for step 4, wait-serial "pressed 1"/,
    ],
    [
      "a pin that the board has not",
      "diagram.json",
      /board:P0"/,
      'board:P99"',
      2,
      /diagram\.json:\d+:\d+: .*pin P99 of board/,
    ],
    [
      "a pin that the LED has not",
      "button.test.yaml",
      /pin: A/,
      "pin: Z",
      2,
      /button\.test\.yaml:6:\d+: .*no pin Z of led1/,
    ],
    ["a part that is not there", "button.test.yaml", /btn1/, "btn2", 2, /button\.test\.yaml:7:\d+: .*btn2/],
    [
      "a control that a button has not",
      "button.test.yaml",
      /pressed,/,
      "value,",
      2,
      /is a push button and has pressed/,
    ],
    [
      "a part that nobody knows",
      "diagram.json",
      /wokwi-led/,
      "wokwi-servo",
      2,
      /part led1 \(wokwi-servo\) is not supported/,
    ],
  ])("is told of %s", async (_what, file, from, to, expected, words) => {
    const folder = await spoilt(file, from, to);
    const late = file === "button.test.yaml" ? ["--timeout", "15s"] : [];
    const args = ["run", folder, "--scenario", "button.test.yaml", "--no-farm", ...late];
    const { code, stderr } = await place.run(args, { env: emulators("stock") });
    expect(stderr).toMatch(words);
    expect(code).toBe(expected);
  });
});
