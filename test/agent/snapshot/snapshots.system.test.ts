/** Guests that start from the state at their ready pattern. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Board } from "../../../src/core/schema/board.ts";
import type { ScenarioInput } from "../../../src/core/schema/scenario.ts";
import { BoardLab, type Image, saidOn } from "../../boards/board-lab.ts";
import { type EmulatorSet, emulatorFolder, emulatorSets } from "../../boards/emulator-sets.ts";
import { readBoards } from "../../boards/manifests.ts";
import { buildFirmware } from "../../firmware/build.ts";
import { type GuestImages, guestImages } from "../../real-firmware/guest-images.ts";

type Way = "snapshot" | "template";

const boards = new Map(readBoards().map((board) => [board.metadata.name, board]));
const images = guestImages();
const boardOf = (name: string) => boards.get(name) as Board;

/** Earlier versions cannot write a guest's state into a file. */
function hasSnapshots(set: EmulatorSet, { metadata, spec }: Board): boolean {
  const emulator = { ...spec.emulator, minVersion: "8.2" };
  return emulatorFolder(set, { metadata, spec: { ...spec, emulator } } as Board) !== undefined;
}

describe.each(emulatorSets())("on $name", (set) => {
  let lab: BoardLab;
  let firmware: string;
  beforeAll(async () => {
    lab = await BoardLab.start(set.folders);
    firmware = await buildFirmware();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const shellImage = (name: string): Image => ({ bytes: readFileSync(join(firmware, name, "shell.elf")) });
  const talk = (name: string, words: string, strategy: Way) =>
    lab.run(boardOf(name), shellImage(name), {
      timeout: "60s",
      strategy,
      ready: { uart: boardOf(name).spec.uarts[0]?.name ?? "", pattern: "emufarm shell on [^\n]*\n> " },
      scenario: {
        version: 1,
        steps: [
          { "wait-serial": "emufarm shell on" },
          { "wait-serial": "> " },
          { "write-serial": `echo ${words}\n` },
          { "wait-serial": `${words}\n> ` },
          { "write-serial": "exit 3\n" },
          { "expect-exit": { reason: "GuestExited", code: 3 } },
        ],
      },
    });

  if (!hasSnapshots(set, boardOf("mps2-an385"))) {
    it("an emulator that is too old for snapshots is told, with the version that it takes", async () => {
      const result = await talk("mps2-an385", "hello", "snapshot");
      expect(result).toMatchObject({ verdict: "errored", error: { code: "NotSupportedHere" } });
      expect(result.error?.message).toContain("it takes QEMU 8.2 or later");
    });
    return;
  }

  it("a job without a ready pattern cannot start from a snapshot, and is told why", async () => {
    const result = await lab.run(boardOf("mps2-an385"), shellImage("mps2-an385"), { strategy: "snapshot" });
    expect(result.error?.message).toContain("neither the job nor the board has a ready pattern");
  });

  it("a guest that ends before its ready pattern leaves no snapshot, and why is said", async () => {
    const image = { bytes: readFileSync(join(firmware, "mps2-an385", "hello.elf")) };
    const ready = { uart: "uart0", pattern: "never said" };
    const result = await lab.run(boardOf("mps2-an385"), image, { strategy: "snapshot", ready });
    expect(result).toMatchObject({ verdict: "errored", error: { code: "SnapshotFailed" } });
    expect(result.error?.message).toContain("the guest ended first (GuestExited)");
    expect(result.error?.message).toMatch(/its ready pattern "never said" on uart0 had not come in \S+\./);
    expect(result.lastLines).toEqual(["boot ok"]);
  });

  const proven = (way: Way) =>
    [...boards.values()].filter((board) => board.spec.boot.proven.includes(way) && hasSnapshots(set, board));

  it.each(["snapshot", "template"] as const)(
    "a job whose ready pattern never comes, so that no %s is made, tells which one, how long, and what came instead",
    async (strategy) => {
      const board = proven(strategy)[0] as Board;
      const { name } = board.metadata;
      const uart = board.spec.uarts[0]?.name ?? "";
      const ready = { uart, pattern: "never said" };
      // The agent gets to know the emulator, which is no part of the time below.
      await lab.run(board, shellImage(name), { strategy: "spawn", expectText: "> " });
      const result = await lab.run(board, shellImage(name), { strategy, ready, timeout: "3s" });
      expect(result).toMatchObject({ verdict: "timedOut", error: { code: "JobTimeout" } });
      const words = `waiting for its ready pattern "never said" on ${uart}, in a boot to make a ${strategy} of, for `;
      expect(result.error?.message).toContain(words);
      expect(result.lastLines).toEqual([`emufarm shell on ${name}`, "> "]);
      expect(saidOn(result).toString()).toBe(`emufarm shell on ${name}\n> `);
    },
  );

  for (const way of ["snapshot", "template"] as const) {
    it.each(proven(way).map(({ metadata }) => metadata.name))(
      `${way} on %s: each guest has said what the first one said, answers for itself and ends with its code`,
      async (name) => {
        for (const words of ["one", "two", "three"]) {
          const result = await talk(name, words, way);
          expect(result.error).toBeUndefined();
          expect(result.emulator?.strategy).toBe(way);
          expect(saidOn(result).toString()).toBe(`emufarm shell on ${name}\n> ${words}\n> `);
        }
      },
    );
  }

  for (const [way, name, uart] of [
    ["template", "arm-virt", "uart0"],
    ["template", "q35", "com1"],
  ] as const) {
    if (!hasSnapshots(set, boardOf(name))) continue;
    if (images === undefined) {
      it.skip(`Linux on ${name}: its packages are not here`);
      continue;
    }
    it(`${way} of Linux on ${name}: booted once, four guests at a time answer at its prompt`, async () => {
      const results = await Promise.all(
        [1, 2, 3, 4].map((number) => lab.run(boardOf(name), linux(images, name), linuxJob(way, uart, number))),
      );
      expect(results.map(({ error }) => error?.message)).toEqual([undefined, undefined, undefined, undefined]);
      expect(results.map(({ emulator }) => emulator?.strategy)).toEqual([way, way, way, way]);
    });
  }
});

function linux(packages: GuestImages, board: string): Image {
  return packages.linux(board === "q35" ? "amd64" : "arm64");
}

function linuxJob(strategy: Way, uart: string, number: number) {
  const steps: NonNullable<ScenarioInput["steps"]> = [
    { "wait-serial": { text: "init done", uart } },
    { "write-serial": { text: `echo $(uname -s) $((${number} * 7))\n`, uart } },
    { "wait-serial": { text: `Linux ${number * 7}`, uart } },
  ];
  const scenario: ScenarioInput = { version: 1, steps };
  return { timeout: "120s", strategy, ready: { uart, pattern: "init done[^#]*# " }, scenario };
}
