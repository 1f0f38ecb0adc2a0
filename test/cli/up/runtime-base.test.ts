import { chown, lchown, mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeRuntimeBase } from "../../../src/cli/up/runtime-base.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "base-"));
});

afterEach(() => rm(folder, { recursive: true }));

describe("the folder of runtime folders", () => {
  it("is closed to others for a user, and can be passed through for root's emulators", async () => {
    const uid = process.getuid?.() ?? 0;
    await makeRuntimeBase(join(folder, "own"), uid);
    expect((await stat(join(folder, "own"))).mode & 0o777).toBe(uid === 0 ? 0o711 : 0o700);
  });

  it("is refused where it belongs to somebody else", async (context) => {
    if (process.getuid?.() !== 0) return context.skip("only root can give a folder away");
    await chown(folder, 65_534, 65_534);
    await expect(makeRuntimeBase(folder, 0)).rejects.toMatchObject({ code: "Forbidden" });
  });

  it("is refused where it is a link that somebody else can turn", async (context) => {
    if (process.getuid?.() !== 0) return context.skip("only root can give a link away");
    const link = join(folder, "link");
    await symlink(folder, link);
    await makeRuntimeBase(link, 0);
    await lchown(link, 65_534, 65_534);
    await expect(makeRuntimeBase(link, 0)).rejects.toMatchObject({ code: "Forbidden" });
  });
});
