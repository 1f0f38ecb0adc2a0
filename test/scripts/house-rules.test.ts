import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findDependencyViolations } from "../../scripts/house/dependency-rules.mjs";
import { findProcessAccess, findRoomsWithoutReadme } from "../../scripts/house/source-rules.mjs";
import { projectFolder } from "../../scripts/setup/folders.mjs";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "house-"));
  symlinkSync(join(projectFolder, "node_modules"), join(folder, "node_modules"));
  plant("package.json", '{"type":"module","dependencies":{"zod":"*","bullmq":"*","ioredis":"*","yaml":"*"}}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const target = "export const target = 1;\n";

describe("dependency rules", () => {
  test.each([
    { rule: "core-is-pure", from: "src/core/a.ts", imported: "yaml" },
    { rule: "core-is-pure", from: "src/core/a.ts", imported: "node:fs" },
    { rule: "core-is-pure", from: "src/core/a.ts", imported: "../log/target.ts" },
    { rule: "agent-imports-what-it-may", from: "src/agent/a.ts", imported: "../api/target.ts" },
    { rule: "api-imports-what-it-may", from: "src/api/a.ts", imported: "../agent/target.ts" },
    { rule: "cli-imports-what-it-may", from: "src/cli/up/a.ts", imported: "../../agent/target.ts" },
    { rule: "http-imports-what-it-may", from: "src/http/a.ts", imported: "../api/target.ts" },
    { rule: "redis-in-api-queue", from: "src/api/dispatch/a.ts", imported: "bullmq" },
    { rule: "redis-in-api-queue", from: "src/cli/up/a.ts", imported: "ioredis" },
    { rule: "yaml-in-document", from: "src/cli/a.ts", imported: "yaml" },
    { rule: "processes-start-in-few-places", from: "src/api/a.ts", imported: "node:child_process" },
    { rule: "no-development-packages", from: "src/log/a.ts", imported: "fast-check" },
    { rule: "nothing-unresolved", from: "src/log/a.ts", imported: "./absent.ts" },
    { rule: "rooms-are-known", from: "src/helpers/a.ts", imported: "../core/target.ts" },
  ])("catch $from importing $imported: $rule", async ({ rule, from, imported }) => {
    for (const room of ["core", "log", "api", "agent"]) plant(`src/${room}/target.ts`, target);
    plant(from, `import * as all from "${imported}";\nexport const used = all;\n`);
    const { violations } = await findDependencyViolations(folder, ["src"]);
    expect(violations).toContainEqual(expect.stringContaining(`${rule}`));
    expect(violations.every((line) => line.startsWith(from))).toBe(true);
  });

  test("catch an import of types alone, and a cycle", async () => {
    plant("src/agent/target.ts", target.replace("const target = 1", "type Target = 1"));
    plant("src/api/a.ts", 'import type { Target } from "../agent/target.ts";\nexport type A = Target;\n');
    plant("src/log/one.ts", 'import { two } from "./two.ts";\nexport const one = () => two;\n');
    plant("src/log/two.ts", 'import { one } from "./one.ts";\nexport const two = () => one;\n');
    const { violations } = await findDependencyViolations(folder, ["src"]);
    expect(violations).toContainEqual(expect.stringContaining("api-imports-what-it-may"));
    expect(violations).toContainEqual(expect.stringContaining("no-cycles"));
  });

  test("let pass what may be, and count what they saw", async () => {
    plant("src/core/target.ts", 'import { z } from "zod";\nexport const target = z.string();\n');
    plant(
      "src/api/queue/a.ts",
      'import { Queue } from "bullmq";\nimport { target } from "../../core/target.ts";\nexport const a = [Queue, target];\n',
    );
    plant("src/document/a.ts", 'import { parse } from "yaml";\nexport const a = parse;\n');
    plant(
      "src/agent/emulator/a.ts",
      'import { spawn } from "node:child_process";\nexport function a() { using b = spawn("a"); return b; }\n',
    );
    expect(await findDependencyViolations(folder, ["src"])).toEqual({ moduleCount: 4, violations: [] });
  });
});

describe("rules about the process", () => {
  test.each([
    "const home = process.env.HOME;",
    "process.exit(1);",
    "process.exitCode = 1;",
    'process.on("SIGTERM", stop);',
  ])("catch %s outside of a main.ts", (line) => {
    plant("src/agent/slot/slot.ts", `const a = 1;\n${line}\n`);
    plant("src/agent/main.ts", `${line}\n`);
    expect(findProcessAccess(folder)).toEqual([expect.stringMatching(/^src\/agent\/slot\/slot\.ts:2: /)]);
  });

  test("let pass what is no more than talk of it", () => {
    plant("src/agent/slot.ts", "// process.env is read in main.ts\nprocess.stdout.write('');\n");
    expect(findProcessAccess(folder)).toEqual([]);
  });
});

test("A room without a README is named", () => {
  plant("src/agent/README.md", "# agent");
  plant("src/api/a.ts", target);
  expect(findRoomsWithoutReadme(folder)).toEqual([expect.stringMatching(/^src\/api /)]);
});
