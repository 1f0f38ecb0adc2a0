import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliPlace, PROJECT } from "../cli-place.ts";

const GOOD = join(PROJECT, "manifests/boards/mps2-an385.yaml");
const BAD = "apiVersion: emufarm.dev/v1alpha1\nkind: Board\nmetadata: {name: bad}\nspec:\n  titel: x\n  uarts: 7\n";

let place: CliPlace;
let folder: string;

beforeAll(() => {
  place = new CliPlace();
  folder = join(place.folder, "boards");
  mkdirSync(folder);
  copyFileSync(GOOD, join(folder, "good.yaml"));
  writeFileSync(join(folder, "bad.yaml"), BAD);
});

afterAll(() => place[Symbol.dispose]());

describe("emufarm boards", () => {
  it("says which of its commands may have been meant", async () => {
    const { code, stderr } = await place.run(["boards", "chek", GOOD]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("boards has no command chek; did you mean check?"),
    });
  });

  it("checks every file of a folder, and tells each problem on a line of its own", async () => {
    const { code, stdout, stderr } = await place.run(["boards", "check", "boards"], { cwd: place.folder });
    expect(stdout).toMatch(/^Board mps2-an385 \(boards\/.+\) is valid, and can run here: /);
    expect(stderr).toMatch(/^emufarm: Not valid: 3 problems:\nboards\/bad\.yaml:5:3: .+\nboards\/bad\.yaml:5:3: .+\n/);
    expect(stderr).toMatch(/^boards\/bad\.yaml:6:10: spec\.uarts: found 7, expected a list\./m);
    expect(code).toBe(2);
  });

  it("asks the emulator for the machine: a CPU that it does not have is told in its words", async () => {
    const cpu = readFileSync(GOOD, "utf8").replace(/^( +)machine: .+$/m, "$&\n$1cpu: cortex-m99");
    writeFileSync(join(place.folder, "cpu.yaml"), cpu);
    const { code, stdout } = await place.run(["boards", "check", "cpu.yaml"], { cwd: place.folder });
    expect(stdout).toMatch(/ is valid, but cannot run here: .*cortex-m99/s);
    expect(code).toBe(5);
  });

  it("makes the machine of each board that comes with emufarm, where an emulator for it is here", async () => {
    const { stdout } = await place.run(["boards", "check", "manifests/boards"], { cwd: PROJECT });
    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => line.includes("and can run here")).length).toBeGreaterThan(10);
    expect(lines.filter((line) => !line.includes("and can run here") && !/ needs \S+ or later/.test(line))).toEqual([]);
  });

  it("of one name in a folder are refused, by both files", async () => {
    const twice = join(place.folder, "twice");
    mkdirSync(twice);
    for (const file of ["a.yaml", "b.yaml"]) copyFileSync(GOOD, join(twice, file));
    const problem = "twice/b.yaml: metadata.name: there is a board mps2-an385 in twice/a.yaml, too";
    for (const words of [
      ["boards", "check", "twice"],
      ["up", "--port", "0", "--boards", "twice"],
    ]) {
      const { code, stderr } = await place.run(words, { cwd: place.folder });
      expect(stderr).toContain(problem);
      expect(code).toBe(2);
    }
  });

  it("of a folder that holds none are refused", async () => {
    const { code, stderr } = await place.run(["boards", "check", join(PROJECT, "src")]);
    expect(stderr).toContain("has no file of a board");
    expect(code).toBe(2);
  });

  it("with a bad one among them start no farm, and it is told once", async () => {
    const { code, stderr } = await place.run(["up", "--port", "0", "--boards", folder]);
    expect(stderr.match(/bad\.yaml:6:10: /g)).toHaveLength(1);
    expect(code).toBe(2);
  });
});
