/** `npm run cluster -- build`: the programs of a cluster, from Go modules, each once for what it is made from. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { takeTurn } from "../qemu/turn.ts";
import { SetupError, say } from "../setup/say.mjs";
import { findGo } from "./go.ts";
import {
  clustersCache,
  missingTools,
  moduleFolder,
  pinnedVersion,
  type Tool,
  type ToolName,
  toolFolder,
  tools,
} from "./tools.ts";

/**
 * Sees to tools built from the present sources. Where they are there, nothing is done; what an interrupted build had
 * compiled is in Go's own cache and not compiled again.
 *
 * @throws {SetupError} where a person has to do something
 */
export async function buildTools(cache: string, names: readonly ToolName[]): Promise<void> {
  if (missingTools(cache, names).length === 0) return;
  const folder = clustersCache(cache);
  mkdirSync(folder, { recursive: true });
  await using _turn = await takeTurn(folder, () => say("another build of a cluster is at work: waiting for it"));
  const missing = missingTools(cache, names);
  if (missing.length === 0) return;
  const go = findGo();
  for (const tool of tools.filter(({ name }) => missing.includes(name))) await buildTool(go, cache, tool);
}

/** Removes what was built from other sources than the present ones, while no cluster uses it. */
export async function removeOldTools(cache: string): Promise<void> {
  const folder = clustersCache(cache);
  if (!existsSync(folder)) return;
  await using _turn = await takeTurn(folder, () => say("a build of a cluster is at work: waiting for it"));
  const [cluster] = existsSync(join(folder, "clusters")) ? readdirSync(join(folder, "clusters")) : [];
  if (cluster !== undefined) {
    throw new SetupError(`cluster ${cluster} is up. Type: EMUFARM_CLUSTER=${cluster} npm run cluster -- down`);
  }
  const present = new Set([join(folder, "clusters"), ...tools.map((tool) => toolFolder(cache, tool))]);
  const old = readdirSync(folder).map((name) => join(folder, name));
  for (const one of old.filter((path) => !present.has(path))) rmSync(one, { recursive: true, force: true });
}

/** The folder of a tool appears whole or not at all. */
async function buildTool(go: string, cache: string, tool: Tool): Promise<void> {
  const folder = toolFolder(cache, tool);
  dropLeftovers(folder);
  const work = mkdtempSync(`${folder}.`);
  const started = performance.now();
  say(`building ${tool.name} in ${dirname(folder)}`);
  try {
    const bin = join(work, "bin");
    mkdirSync(bin);
    for (const [name, source] of Object.entries(tool.programs)) await compile(go, tool, source, join(bin, name));
    const [program = ""] = Object.keys(tool.programs);
    for (const alias of tool.aliases ?? []) symlinkSync(program, join(bin, alias));
    chmodSync(work, 0o755);
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  say(`${tool.name} is built, in ${Math.round((performance.now() - started) / 1000)} s`);
}

async function compile(go: string, tool: Tool, source: string, program: string): Promise<void> {
  const { versionFlags } = tool;
  const version = versionFlags?.flags(pinnedVersion(tool, versionFlags.module)) ?? "";
  const flags = ["-trimpath", "-mod=readonly", "-buildvcs=false", `-ldflags=-s -w ${version}`.trim()];
  const { failed, all, shortMessage } = await execa(go, ["build", ...flags, "-o", program, source], {
    cwd: moduleFolder(tool),
    env: { CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GOTOOLCHAIN: "local" },
    stdin: "ignore",
    all: true,
    reject: false,
  });
  if (!failed) return;
  process.stderr.write(`${all}\n`);
  throw new SetupError(`${tool.name} could not be built: ${shortMessage}. Go's words are above`);
}

/** A build that was killed leaves its work behind; the turn is ours, so none is at work now. */
function dropLeftovers(folder: string): void {
  if (!existsSync(dirname(folder))) return;
  for (const name of readdirSync(dirname(folder)).filter((one) => one.startsWith(`${basename(folder)}.`))) {
    rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}
