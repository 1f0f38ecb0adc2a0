/** A Go that is new enough: the system's, or the one that its older Go fetches as a module. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { arch } from "node:process";
import { elevation, installPackages } from "../setup/apt.mjs";
import { SetupError, say } from "../setup/say.mjs";

/** What the modules ask for, at most: minor and patch version. */
const LEAST = [26, 6] as const;
const TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.26.8";

/**
 * The path of a `go` that can build every tool. Where the system has none, its package is installed; where that is too
 * old, it fetches a newer one from the module proxy, which Go's checksum database vouches for.
 *
 * @throws {SetupError} where there is none to be had
 */
export function findGo(): string {
  if (!isThere("go")) installPackages(["golang-go"], elevation());
  if (isNewEnough("go")) return "go";
  const module = `${TOOLCHAIN}.linux-${arch === "arm64" ? "arm64" : "amd64"}`;
  say(`this system's Go is older than 1.${LEAST.join(".")}: fetching ${module}`);
  const { stdout, stderr, status } = spawnSync("go", ["mod", "download", "-json", module], {
    encoding: "utf8",
    cwd: "/",
    env: { ...process.env, GOFLAGS: "-mod=mod" },
  });
  if (status !== 0) throw new SetupError(`go mod download ${module} failed: ${stderr.trim() || stdout.trim()}`);
  const folder: string = JSON.parse(stdout).Dir;
  makeExecutable(join(folder, "bin"));
  makeExecutable(join(folder, "pkg/tool"));
  return join(folder, "bin/go");
}

/** As a module the toolchain comes without the bits that say so. */
function makeExecutable(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
}

function isThere(program: string): boolean {
  return spawnSync(program, ["version"], { stdio: "ignore" }).status === 0;
}

function isNewEnough(program: string): boolean {
  const { stdout } = spawnSync(program, ["env", "GOVERSION"], { encoding: "utf8" });
  const [, minor = 0, patch = 0] = /^go1\.(\d+)(?:\.(\d+))?/.exec(stdout.trim())?.map(Number) ?? [];
  return minor > LEAST[0] || (minor === LEAST[0] && patch >= LEAST[1]);
}
