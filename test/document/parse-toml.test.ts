import { describe, expect, it } from "vitest";
import { projectFile } from "../../src/core/diagram/diagram-file.ts";
import { FarmError } from "../../src/core/error/farm-error.ts";
import { parseToml } from "../../src/document/parse-toml.ts";

const read = (text: string) => parseToml(text, projectFile, { file: "wokwi.toml" });

function problemsOf(text: string): unknown {
  try {
    return read(text);
  } catch (error) {
    return (error as FarmError).details.problems;
  }
}

describe("wokwi.toml", () => {
  it("tells the firmware; what concerns an editor is left out", () => {
    const text = "[wokwi]\nversion = 1\nfirmware = 'build/app.hex'\nelf = \"build/app.elf\"\ngdbServerPort = 3333\n";
    expect(read(text).wokwi).toEqual({ version: 1, firmware: "build/app.hex", elf: "build/app.elf" });
  });

  it.each([
    ["[wokwi\n", /^wokwi\.toml:1:\d+: /],
    ["[wokwi]\nversion = 1\n", /^wokwi\.toml:1:1: wokwi\.firmware: .*expected string/],
    ["[wokwi]\nversion = 2\nfirmware = 'a'\n", /^wokwi\.toml:2:1: wokwi\.version: .*expected 1/],
    ["[wokwi]\nversion = 1\nfirmware = 3\n", /^wokwi\.toml:3:1: wokwi\.firmware: .*expected string/],
    [
      "[wokwi]\nfirmware = 'a'\n\n[[chip]]\nname = 'inverter'\n",
      /^wokwi\.toml:4:1: chip: chips of one's own are not supported/,
    ],
    ["", /^wokwi\.toml:1:1: wokwi: /],
  ])("tells line and column of what is wrong in %j", (text, problems) => {
    expect(problemsOf(text)).toMatch(problems);
    expect(() => read(text)).toThrow(FarmError);
  });
});
