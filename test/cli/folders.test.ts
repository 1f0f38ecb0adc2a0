import { describe, expect, it } from "vitest";
import { farmFolders } from "../../src/cli/folders.ts";

const user = { env: {}, uid: 1000, home: "/home/ada", cwd: "/srv" };

describe("the folders of a farm", () => {
  it("are the system's for root", () => {
    const folders = farmFolders({ ...user, uid: 0 });
    expect(folders).toMatchObject({ data: "/var/lib/emufarm", cache: "/var/cache/emufarm" });
    expect(folders.runtime).toMatch(/^\/run\/emufarm\/[0-9a-f]{8}$/);
  });

  it("follow the XDG variables for others", () => {
    const env = { XDG_DATA_HOME: "/d", XDG_CACHE_HOME: "/c", XDG_RUNTIME_DIR: "/run/user/1000" };
    const folders = farmFolders({ ...user, env });
    expect(folders).toMatchObject({ data: "/d/emufarm", cache: "/c/emufarm", runtimeBase: "/run/user/1000/emufarm" });
  });

  it("lie in the home folder and under /tmp where nothing is said", () => {
    expect(farmFolders(user)).toMatchObject({
      data: "/home/ada/.local/share/emufarm",
      cache: "/home/ada/.cache/emufarm",
      runtimeBase: "/tmp/emufarm-1000",
    });
  });

  it("are the chosen ones, relative to where the command stands", () => {
    const env = { EMUFARM_DATA: "ignored", EMUFARM_CACHE: "cache", EMUFARM_RUNTIME_DIR: "/r" };
    const folders = farmFolders({ ...user, env }, "farm");
    expect(folders).toMatchObject({ data: "/srv/farm", cache: "/srv/cache", runtimeBase: "/r" });
  });

  it("keep the sockets of two farms apart", () => {
    expect(farmFolders(user, "/one").runtime).not.toBe(farmFolders(user, "/two").runtime);
  });

  it("keep sockets short however long the data folder's path is", () => {
    expect(farmFolders(user, `/${"long/".repeat(60)}`).runtime.length).toBeLessThan(40);
  });
});
