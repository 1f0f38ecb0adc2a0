/** A Go that is new enough: the system's, or the one that its older Go fetches as a module. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { arch } from "node:process";
import { elevation, installPackages } from "../setup/apt.mjs";
import { SetupError, say } from "../setup/say.mjs";

/** What Kubernetes asks for. */
const LEAST_MINOR = 26;
const TOOLCHAIN = "golang.org/toolchain@v0.0.1-go1.26.8";

/**
 * The path of a `go` that can build every tool. Where the system has none, its package is installed; where that is too
 * old, it fetches a newer one from the module proxy, which Go's checksum database vouches for.
 *
 * @throws {SetupError} where there is none to be had
 */
export function findGo(): string {
  if (minorVersion("go") === undefined) installPackages(["golang-go"], elevation());
  if ((minorVersion("go") ?? 0) >= LEAST_MINOR) return "go";
  const module = `${TOOLCHAIN}.linux-${arch === "arm64" ? "arm64" : "amd64"}`;
  say(`this system's Go is older than 1.${LEAST_MINOR}: fetching ${module}`);
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

function minorVersion(program: string): number | undefined {
  const { stdout, status } = spawnSync(program, ["env", "GOVERSION"], { encoding: "utf8" });
  return status === 0 ? Number(/^go1\.(\d+)/.exec(stdout.trim())?.[1] ?? 0) : undefined;
}
