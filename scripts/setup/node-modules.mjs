import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupError, say } from "./say.mjs";

const ATTEMPTS = 3;
const NODE_MAJOR = 24;

/** Node 24, as npm installed it for this machine. */
export function nodeProgram(/** @type {string} */ project) {
  return join(project, "node_modules/.bin/node");
}

/**
 * Makes node_modules what package-lock.json says; touches nothing where it is that already.
 *
 * @param {string} project
 */
export async function ensureNodeModules(project) {
  const lockText = readFileSync(join(project, "package-lock.json"), "utf8");
  const stampFile = join(project, "node_modules/.emufarm-lock");
  const stamp = createHash("sha256").update(lockText).update(process.arch).digest("hex");
  if (readIfThere(stampFile) === stamp && existsSync(nodeProgram(project))) return;

  const installed = readIfThere(join(project, "node_modules/.package-lock.json"));
  if (installed === undefined || !isInStep(lockText, installed)) {
    await install(project);
  }
  linkNode(project);
  if (!existsSync(nodeProgram(project))) {
    throw new SetupError(`npm has no Node 24 for ${process.platform} ${process.arch}: install Node 24 by hand`);
  }
  writeFileSync(stampFile, stamp);
}

/** npm 9 installs the package of Node and leaves its program out of .bin. */
function linkNode(/** @type {string} */ project) {
  const program = `node-linux-${process.arch}/bin/node`;
  if (existsSync(nodeProgram(project)) || !existsSync(join(project, "node_modules", program))) return;
  symlinkSync(`../${program}`, nodeProgram(project));
}

/**
 * Whether npm's record of what it installed says the same as the lock file: somebody who adds a dependency by hand
 * should not have the whole folder removed and fetched again.
 *
 * @param {string} lockText
 * @param {string} installedText
 */
export function isInStep(lockText, installedText) {
  /** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages */
  const wanted = /** @type {Packages} */ (JSON.parse(lockText).packages ?? {});
  const installed = /** @type {Packages} */ (JSON.parse(installedText).packages ?? {});
  const isWantedThere = Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const found = installed[path];
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
  return isWantedThere && Object.keys(installed).every((path) => path in wanted);
}

async function install(/** @type {string} */ project) {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    say(attempt === 1 ? "installing the npm packages" : `npm failed: trying again (${attempt} of ${ATTEMPTS})`);
    const work = mkdtempSync(join(tmpdir(), "emufarm-npm-"));
    try {
      // Nothing we use needs its install scripts, and a compiler may be missing.
      const options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-progress", "--loglevel=error"];
      if (runNpm(project, npmProgram(project, work), ["ci", ...options])) return;
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    if (attempt < ATTEMPTS) await sleep(attempt * 5000);
  }
  throw new SetupError("npm could not install the packages; its words are above. Try again when the network is back");
}

/**
 * How npm is started. npm leaves out optional packages that ask for a newer Node than it runs on, and those hold the
 * native code that works on Node 24: so on an older one npm first fetches Node 24, and then runs on that.
 *
 * @param {string} project
 * @param {string} work folder for Node 24
 */
function npmProgram(project, work) {
  const script = npmScript();
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR || script === undefined) return ["npm"];
  const name = `node-linux-${process.arch}`;
  const { version, integrity } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8")).packages[
    `node_modules/${name}`
  ];
  const isFetched = runNpm(work, ["npm"], ["pack", "--loglevel=silent", `${name}@${version}`]);
  const tarball = readdirSync(work).find((file) => file.endsWith(".tgz"));
  if (!isFetched || tarball === undefined) return ["npm"];
  if (
    `sha512-${createHash("sha512")
      .update(readFileSync(join(work, tarball)))
      .digest("base64")}` !== integrity
  ) {
    throw new SetupError(`${name} ${version} is not what package-lock.json says it is`);
  }
  const { status } = spawnSync("tar", ["-xzf", tarball, "package/bin/node"], { cwd: work, stdio: ["ignore", 2, 2] });
  return status === 0 ? [join(work, "package/bin/node"), "--no-warnings", script] : ["npm"];
}

/** npm's own script, as npm told when it started us, or as its link in PATH shows. */
function npmScript() {
  const links = (process.env.PATH ?? "").split(":").map((folder) => join(folder, "npm"));
  return [process.env.npm_execpath, ...links.filter((link) => existsSync(link)).map((link) => realpathSync(link))].find(
    (path) => path !== undefined && /npm-cli\.js$/.test(path) && existsSync(path),
  );
}

/**
 * @param {string} cwd
 * @param {string[]} npm
 * @param {string[]} args
 */
function runNpm(cwd, [program = "npm", ...first], args) {
  const { status, error } = spawnSync(program, [...first, ...args], {
    cwd,
    env: npmEnvironment(),
    stdio: ["ignore", args[0] === "pack" ? "ignore" : 2, 2],
  });
  if (error !== undefined) throw new SetupError(`npm could not be started (${error.message}): install npm`);
  return status === 0;
}

/** npm must not run on the very Node that it is about to replace, nor inherit the flags of an outer npm. */
function npmEnvironment() {
  const env = Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(?!config_(cache|registry|cafile|https?_proxy|proxy|noproxy|userconfig|globalconfig)$)/i.test(name),
  );
  const path = (process.env.PATH ?? "").split(":").filter((folder) => !folder.endsWith("node_modules/.bin"));
  return { ...Object.fromEntries(env), PATH: path.join(":") };
}

function readIfThere(/** @type {string} */ file) {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
