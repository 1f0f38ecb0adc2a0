import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
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
    expect(stdout).toMatch(/^Board mps2-an385 is valid, and can run here: /);
    expect(stderr).toMatch(/^emufarm: Not valid: 3 problems:\nboards\/bad\.yaml:5:3: .+\nboards\/bad\.yaml:5:3: .+\n/);
    expect(stderr).toMatch(/^boards\/bad\.yaml:6:10: spec\.uarts: found 7, expected a list\./m);
    expect(code).toBe(2);
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
