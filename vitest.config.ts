import { defineConfig } from "vitest/config";

/** Tests that start emulators, Redis, compilers or whole farms; all others are quick and run side by side. */
const SYSTEM = ["test/**/*.system.test.ts"];

export default defineConfig({
  test: {
    teardownTimeout: 30_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: SYSTEM,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "system",
          include: SYSTEM,
          pool: "forks",
          // An emulator is busy on a core of its own: more workers than cores would only make time-outs likelier.
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
