/** What `bootstrap.mjs` does once it knows that this Node understands the sources. */
import { elevation, installPackages } from "./apt.mjs";
import { ensureBundle } from "./bundle.mjs";
import { thisDistribution } from "./distribution.mjs";
import { ownCacheFolder, projectFolder } from "./folders.mjs";
import { ensureGuestImages } from "./guest-images.mjs";
import { ensureNewerQemu } from "./newer-qemu.mjs";
import { ensureNodeModules } from "./node-modules.mjs";
import { ensurePythonTools } from "./python-tools.mjs";
import { SetupError, say } from "./say.mjs";
import { machineAt, missingPackages, requirements } from "./system-packages.mjs";

const commands = /** @type {(keyof typeof requirements)[]} */ (Object.keys(requirements));

/**
 * Makes this clone ready for a command.
 *
 * @param {string | undefined} name
 * @throws {SetupError} where a person has to do something
 */
async function prepareFor(name) {
  const command = commands.find((one) => one === name);
  if (command === undefined) throw new SetupError(`which command? One of: ${commands.join(", ")}`);

  const distribution = thisDistribution();
  const missing = missingPackages(requirements[command], distribution, machineAt(process.env.PATH ?? ""));
  if (missing.length > 0) installPackages(missing, elevation());
  await ensureNodeModules(projectFolder);
  if (command === "check" || command === "qemu" || command === "cluster") return;
  ensureBundle(projectFolder);
  if (command !== "test" && command !== "bench") return;
  tryToAdd(() => ensureGuestImages(distribution, ownCacheFolder()));
  if (command === "bench") return;
  tryToAdd(() => ensureNewerQemu(distribution, ownCacheFolder()));
  tryToAdd(() => ensurePythonTools(ownCacheFolder()));
}

/**
 * What only some tests and figures need: without it they are left out, with their reason. On CI nothing may be.
 *
 * @param {() => void} add
 */
function tryToAdd(add) {
  try {
    add();
  } catch (error) {
    if (!(error instanceof SetupError) || process.env.CI === "true") throw error;
    say(`${error.message}. What needs it is left out`);
  }
}

/**
 * @param {string | undefined} name start, test, bench, check, qemu or cluster
 * @returns {Promise<number>} exit code
 */
export async function prepare(name) {
  try {
    await prepareFor(name);
    return 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    return 2;
  }
}
