import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import type { ScenarioInput } from "../../src/core/schema/scenario.ts";
import { buildFirmware, toolchain } from "../firmware/build.ts";
import { BoardLab, saidOn } from "./board-lab.ts";
import { emulatorFolder, emulatorSets, newestFirst } from "./emulator-sets.ts";
import { readBoards } from "./manifests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const IMAGES = join(EXAMPLES, "images");
const APPS = ["hello", "shell", "unity", "unity-fail", "ztest", "ztest-fail"];

let lab: BoardLab;
let built: string;
let installed: Map<string, string>;
const recorded = versionsIn(readFileSync(join(IMAGES, "TOOLCHAIN"), "utf8"));

beforeAll(async () => {
  built = await buildFirmware();
  installed = versionsIn(await toolchain());
  lab = await BoardLab.start(newestFirst());
});

afterAll(() => lab[Symbol.asyncDispose]());

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
  const board = readBoards().find((one) => emulatorSets().some((set) => emulatorFolder(set, one)));
  if (board === undefined) throw new Error("no board can be run here");
  const path = (folder: string) => join(folder, board.metadata.name, "unity.elf");
  expect(await transcript(board, "unity", path(IMAGES))).toBe(await transcript(board, "unity", path(built)));
});

/** All that an app says on the console, to its end. */
async function transcript(board: Board, app: string, path: string): Promise<string> {
  const result = await lab.run(
    board,
    { bytes: readFileSync(path) },
    { timeout: "60s", scenario: conversation(board, app) },
  );
  if (result.error && result.error.code !== "NonZeroExit") throw new Error(result.error.message);
  return saidOn(result).toString("latin1");
}

function conversation(board: Board, app: string): ScenarioInput {
  const talk = ["echo hello", "nonsense", "binary", "flood 1", "exit 3"].flatMap((command) => [
    { "wait-serial": "> " },
    { "write-serial": `${command}\n` },
  ]);
  const canEnd = !board.spec.endings.includes("none");
  const end = canEnd ? { "expect-exit": true as const } : { "wait-serial": { regex: "done, exit code \\d+\n" } };
  return { version: 1, steps: [...(app === "shell" ? talk : []), end] };
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
