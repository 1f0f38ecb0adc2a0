#!/usr/bin/env node
/**
 * Makes a fresh clone ready for a command of the project: `bootstrap.mjs start|test|bench|check|qemu|cluster`. Runs on the
 * distribution's own Node (>= 18), before anything is installed, so what it imports imports nothing but Node's modules.
 *
 * It prepares and then ends; package.json goes on with `exec`, so that the command itself stands where npm started it
 * and a Ctrl-C reaches it once.
 */
const major = Number.parseInt(process.versions.node, 10);

// The import waits for this check: an older Node would stumble over the syntax, with words that help nobody.
if (major >= 18) {
  void import("./setup/prepare.mjs")
    .then(({ prepare }) => prepare(process.argv[2]))
    .then((code) => {
      process.exitCode = code;
    });
} else {
  process.stderr.write(
    `emufarm: Node 18 or later is needed, this is ${process.version}. Install one from nodejs.org\n`,
  );
  process.exitCode = 2;
}
