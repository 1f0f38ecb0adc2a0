import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { projectFolder } from "../../scripts/setup/folders.mjs";

let folder = "";
let project = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "launcher-"));
  project = join(folder, "a project with spaces", "x".repeat(180));
  for (const path of ["bin", "node_modules/.bin", "dist/cli"]) mkdirSync(join(project, path), { recursive: true });
  copyFileSync(join(projectFolder, "bin/emufarm"), join(project, "bin/emufarm"));
  writeFileSync(join(project, "dist/cli/main.js"), "");
  program(join(project, "node_modules/.bin/node"), 'printf "%s\\n" "cache=$NODE_COMPILE_CACHE" "$@"');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

function start(command: string, args: string[], env: Record<string, string> = {}): string[] {
  const all = { PATH: process.env.PATH, EMUFARM_CACHE: join(folder, "cache"), ...env };
  return execFileSync(command, args, { encoding: "utf8", env: all, cwd: folder, stdio: "pipe" })
    .replace(/\n$/, "")
    .split("\n");
}

describe("bin/emufarm", () => {
  test("starts the bundle on the project's Node with its arguments as they are", () => {
    const [, main, ...args] = start(join(project, "bin/emufarm"), ["run", "two words", "*", ""]);
    expect(main).toBe(`${project}/bin/../dist/cli/main.js`);
    expect(args).toEqual(["run", "two words", "*", ""]);
  });

  test("is found through links, absolute and relative", () => {
    symlinkSync(join(project, "bin/emufarm"), join(folder, "absolute"));
    symlinkSync("absolute", join(folder, "relative"));
    for (const link of ["absolute", "relative"]) {
      expect(start(join(folder, link), ["boards"])).toEqual(start(join(project, "bin/emufarm"), ["boards"]));
    }
  });

  test("tells the program that kubectl has called, under the name of a plug-in", () => {
    program(join(project, "node_modules/.bin/node"), 'printf "%s\\n" "plug-in=$EMUFARM_KUBECTL_PLUGIN" "$@"');
    symlinkSync("emufarm", join(project, "bin/kubectl-emufarm"));
    symlinkSync(join(project, "bin/kubectl-emufarm"), join(folder, "kubectl-emufarm"));
    const env = { PATH: `${folder}:${process.env.PATH}` };
    expect(start("kubectl-emufarm", ["get", "emu"], env)).toEqual([
      "plug-in=1",
      `${project}/bin/../dist/cli/main.js`,
      "get",
      "emu",
    ]);
    expect(start(join(project, "bin/emufarm"), ["get", "emu"])[0]).toBe("plug-in=");
  });

  test.each<{ name: string; env: Record<string, string>; expected: () => string }>([
    { name: "in the cache folder", env: {}, expected: () => `${folder}/cache/node` },
    { name: "where the caller wants it", env: { NODE_COMPILE_CACHE: "/elsewhere" }, expected: () => "/elsewhere" },
  ])("keeps compiled code $name", ({ env, expected }) => {
    expect(start(join(project, "bin/emufarm"), [], env)[0]).toBe(`cache=${expected()}`);
  });

  test("sets up a fresh clone first, and goes no further when that fails", () => {
    rmSync(join(project, "dist"), { recursive: true });
    const systemNode = join(folder, "system");
    mkdirSync(systemNode);
    program(join(systemNode, "node"), 'echo "$@" >&2; exit 2');
    const env = { PATH: `${systemNode}:${process.env.PATH}` };
    expect(() => start(join(project, "bin/emufarm"), ["boards"], env)).toThrow(
      expect.objectContaining({
        status: 2,
        stdout: "",
        stderr: expect.stringContaining("scripts/bootstrap.mjs start"),
      }),
    );
  });
});
