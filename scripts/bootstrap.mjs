#!/usr/bin/env node
/**
 * Makes a fresh clone ready for a command of the project: `bootstrap.mjs start|test|bench|check`. Runs on the
 * distribution's own Node (>= 18), before anything is installed, so it imports nothing but Node's modules.
 *
 * It prepares and then ends; package.json goes on with `exec`, so that the command itself stands where npm started it
 * and a Ctrl-C reaches it once.
 */
import { elevation, installPackages } from "./setup/apt.mjs";
import { ensureBundle } from "./setup/bundle.mjs";
import { thisDistribution } from "./setup/distribution.mjs";
import { ownCacheFolder, projectFolder } from "./setup/folders.mjs";
import { ensureGuestImages } from "./setup/guest-images.mjs";
import { ensureNewerQemu } from "./setup/newer-qemu.mjs";
import { ensureNodeModules } from "./setup/node-modules.mjs";
import { SetupError, say } from "./setup/say.mjs";
import { machineAt, missingPackages, requirements } from "./setup/system-packages.mjs";

const commands = /** @type {(keyof typeof requirements)[]} */ (Object.keys(requirements));

async function main() {
  const command = commands.find((name) => name === process.argv[2]);
  if (command === undefined) throw new SetupError(`which command? One of: ${commands.join(", ")}`);

  const distribution = thisDistribution();
  const missing = missingPackages(requirements[command], distribution, machineAt(process.env.PATH ?? ""));
  if (missing.length > 0) installPackages(missing, elevation());
  await ensureNodeModules(projectFolder);
  if (command === "check") return;
  ensureBundle(projectFolder);
  if (command !== "test") return;
  for (const ensure of [ensureNewerQemu, ensureGuestImages]) tryToAdd(() => ensure(distribution, ownCacheFolder()));
}

/**
 * What only some tests need: without it they are skipped, with their reason. On CI nothing may be skipped.
 *
 * @param {() => void} add
 */
function tryToAdd(add) {
  try {
    add();
  } catch (error) {
    if (!(error instanceof SetupError) || process.env.CI === "true") throw error;
    say(`${error.message}. Tests that need it are skipped`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exitCode = 2;
}
