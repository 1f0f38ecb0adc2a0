import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import type { ScenarioInput } from "../../src/core/schema/scenario.ts";
import { buildFirmware } from "../firmware/build.ts";
import { hasRecordedToolchain } from "../firmware/recorded-toolchain.ts";
import { BoardLab, saidOn } from "./board-lab.ts";
import { emulatorFolder, emulatorSets, newestFirst } from "./emulator-sets.ts";
import { readBoards } from "./manifests.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const IMAGES = join(EXAMPLES, "images");
const APPS = ["hello", "shell", "unity", "unity-fail", "ztest", "ztest-fail"];

let lab: BoardLab;
let built: string;

beforeAll(async () => {
  built = await buildFirmware();
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
      if (await hasRecordedToolchain(name)) {
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
