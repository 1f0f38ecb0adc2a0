import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { defineConfig } from "vitest/config";
import { thisDistribution } from "./scripts/setup/distribution.mjs";
import { ownCacheFolder, projectFolder } from "./scripts/setup/folders.mjs";
import { guestImagesFolder } from "./scripts/setup/guest-images.mjs";
import { newerQemuFolder } from "./scripts/setup/newer-qemu.mjs";
import { pythonWithTools } from "./scripts/setup/python-tools.mjs";
import { findFarmQemu } from "./src/cli/farm/farm-qemu.ts";

/** Tests that start emulators, Redis, compilers or whole farms; all others are quick and run side by side. */
const SYSTEM = ["test/**/*.system.test.ts"];
/** Tests on a whole Kubernetes, which all of them share. */
const CLUSTER = ["test/**/*.cluster.test.ts"];
/** Those of them that take many minutes: `npm run test:faults`. */
const LONG = [
  "test/cluster/faults/**",
  "test/images/containerfiles.cluster.test.ts",
  "test/chart/upgrade.cluster.test.ts",
  "test/chart/trust.cluster.test.ts",
  "test/chart/readme.cluster.test.ts",
];

/** What `npm test` put into the cache folder; a test that is started by hand finds it as well. */
function fetchedByTheSetUp(): Record<string, string> {
  const distribution = thisDistribution();
  const qemu = newerQemuFolder(distribution, ownCacheFolder());
  const guests = guestImagesFolder(distribution, ownCacheFolder());
  const python = pythonWithTools(ownCacheFolder());
  const newer = qemu !== undefined && existsSync(qemu) ? [`${qemu}/usr/bin`] : [];
  const wanted = process.env.EMUFARM_TEST_QEMU;
  const built = wanted === "0" ? undefined : findFarmQemu(ownCacheFolder(), join(projectFolder, "images/qemu"));
  const own = built?.state === "ready" ? [join(built.folder, "bin")] : [];
  // All tests run stock emulators, but for those that ask for the farm's own, unless everything shall run on that.
  const searched = [...(wanted === "all" ? own : []), ...newer];
  return {
    EMUFARM_QEMU: "stock",
    ...(own[0] !== undefined && { EMUFARM_FARM_QEMU_PATH: own[0] }),
    ...(searched.length > 0 && { EMUFARM_QEMU_PATH: searched.join(delimiter) }),
    ...(existsSync(python) && { EMUFARM_TEST_PYTHON: python }),
    ...(guests !== undefined && existsSync(guests) && { EMUFARM_TEST_GUESTS: guests }),
  };
}

/** What a test waits for comes when it comes: on a busy machine a second is not long. */
const POLLING = { poll: { timeout: 30_000 } };

export default defineConfig({
  test: {
    teardownTimeout: 30_000,
    globalSetup: "test/firmware/global-setup.ts",
    env: fetchedByTheSetUp(),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...SYSTEM, ...CLUSTER],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          expect: POLLING,
          maxWorkers: Math.max(2, availableParallelism()),
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "system",
          include: SYSTEM,
          pool: "forks",
          // An emulator is busy on a core of its own: more workers than cores would only make time-outs likelier.
          maxWorkers: 2,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: POLLING,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "cluster",
          include: CLUSTER,
          exclude: process.env.EMUFARM_TEST_FAULTS === "all" ? [] : LONG,
          globalSetup: "test/cluster/global-setup.ts",
          pool: "forks",
          maxWorkers: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: POLLING,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
