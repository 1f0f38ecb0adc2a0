import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import { buildFirmware, toolchain } from "../firmware/build.ts";
import { BareQemu } from "./bare-qemu.ts";
import { emulatorFolder, emulatorSets } from "./emulator-sets.ts";
import { readBoards } from "./manifests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const IMAGES = join(EXAMPLES, "images");
const APPS = ["hello", "shell", "unity", "unity-fail", "ztest", "ztest-fail"];

let built: string;
let installed: Map<string, string>;
const recorded = versionsIn(readFileSync(join(IMAGES, "TOOLCHAIN"), "utf8"));

beforeAll(async () => {
  built = await buildFirmware();
  installed = versionsIn(await toolchain());
});

it("every board has its images, and nothing else lies there", () => {
  const names = readBoards().map((board) => board.metadata.name);
  expect(
    readdirSync(IMAGES)
      .filter((name) => name !== "TOOLCHAIN")
      .sort(),
  ).toEqual(names);
});

describe.each(readBoards().map((board) => ({ name: board.metadata.name, board })))(
  "the prebuilt images of $name",
  ({ name, board }) => {
    it.each(APPS)("are what the sources give: %s", async (app) => {
      const committed = join(IMAGES, name, `${app}.elf`);
      const rebuilt = join(built, name, `${app}.elf`);
      const isSameCompiler = compilersOf(name).every((tool) => installed.get(tool) === recorded.get(tool));
      if (isSameCompiler) {
        expect(readFileSync(committed).equals(readFileSync(rebuilt)), "the bytes differ: build the images anew").toBe(
          true,
        );
      } else {
        expect(await transcript(board, app, rebuilt)).toBe(await transcript(board, app, committed));
      }
    });
  },
);

it("two builds of an app say the same, which is what counts with other compilers", async () => {
  const board = readBoards().find((one) => runnable(one) !== undefined);
  if (board === undefined) throw new Error("no board can be run here");
  const path = (folder: string) => join(folder, board.metadata.name, "unity.elf");
  expect(await transcript(board, "unity", path(IMAGES))).toBe(await transcript(board, "unity", path(built)));
});

/** All that an app says on the console, to its end. */
async function transcript(board: Board, app: string, path: string): Promise<string> {
  const at = runnable(board);
  if (at === undefined) throw new Error(`no ${board.spec.emulator.binary} is new enough for ${board.metadata.name}`);
  await using qemu = await BareQemu.start(board, { path }, at);
  const console = qemu.uart();
  if (app === "shell") {
    await console.until("> ");
    for (const command of ["echo hello", "nonsense", "binary", "flood 1"]) {
      console.write(`${command}\n`);
      await console.until("\n> ".slice(command === "binary" ? 1 : 0));
    }
    console.write("exit 3\n");
  }
  if (board.spec.endings.includes("none")) {
    await console.until("done, exit code ");
    await console.until("\n");
  } else await qemu.exit();
  return console.text;
}

function runnable(board: Board): string | undefined {
  return emulatorSets()
    .map((set) => emulatorFolder(set, board))
    .find((folder) => folder !== undefined);
}

/** Lines such as `avr-gcc: avr-gcc (GCC) 5.4.0`, by the tool. */
function versionsIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\S+): (.+)$/gm)].map(([, tool = "", version = ""]) => [tool, version]));
}

/** The compiler and the linker of a board, as its files in the firmware kit name them. */
function compilersOf(name: string): string[] {
  const cpu = variable(`boards/${name}.mk`, "cpu");
  const cross = variable(`cpu/${cpu}.mk`, "cross");
  return [`${cross}gcc`, `${cross}ld`];
}

function variable(file: string, name: string): string {
  const text = readFileSync(join(EXAMPLES, "firmware", file), "utf8");
  const value = new RegExp(`^${name} := (\\S+)$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`${file} does not set ${name}`);
  return value;
}
