/** Firmware that nobody here wrote, as the distribution packages it: a REPL, boot loaders, Linux. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Board } from "../../src/core/schema/board.ts";
import type { ScenarioInput } from "../../src/core/schema/scenario.ts";
import { BoardLab, type Image } from "../boards/board-lab.ts";
import { emulatorFolder, emulatorSets } from "../boards/emulator-sets.ts";
import { readBoards } from "../boards/manifests.ts";
import { type GuestImages, guestImages } from "./guest-images.ts";

type Steps = NonNullable<ScenarioInput["steps"]>;

interface RealFirmware {
  title: string;
  board: string;
  image: (images: GuestImages) => Image;
  steps: Steps;
}

const CASES: readonly RealFirmware[] = [
  {
    title: "MicroPython for the micro:bit computes at its prompt",
    board: "microbit",
    image: (images) => images.microPython(),
    steps: [
      { "wait-serial": ">>> " },
      { "write-serial": "print(6 * 7, [n * n for n in range(5)])\r\n" },
      { "wait-serial": "42 [0, 1, 4, 9, 16]\r\n>>> " },
    ],
  },
  ...(["arm-virt qemu_arm64", "riscv64-virt qemu-riscv64"] as const).map((place): RealFirmware => {
    const [board = "", target = ""] = place.split(" ");
    return {
      title: `U-Boot on ${board} is stopped at its prompt, tells its version and powers off`,
      board,
      image: (images) => images.uBoot(target),
      steps: [
        { "wait-serial": "Hit any key to stop autoboot" },
        { "write-serial": "\r" },
        { "wait-serial": "=> " },
        { "write-serial": "version\r" },
        { "wait-serial": { regex: "U-Boot 20\\d\\d\\.\\d\\d" } },
        { "wait-serial": "=> " },
        { "write-serial": "poweroff\r" },
        { "expect-exit": true },
      ],
    };
  }),
  {
    title: "Debian's arm64 kernel on arm-virt comes up to a shell that answers, and powers off",
    board: "arm-virt",
    image: (images) => images.linux("arm64"),
    steps: [...shell(), { "write-serial": "poweroff -f\n" }, { "expect-exit": true }],
  },
  {
    // The kernel leaves the halted CPU running: a job on this board ends with its last step.
    title: "Debian's arm64 kernel on a Raspberry Pi 3 comes up to a shell on the second UART",
    board: "raspi3b",
    image: (images) => images.linux("arm64", "broadcom/bcm2837-rpi-3-b.dtb"),
    steps: shell("aux"),
  },
  {
    title: "Debian's amd64 kernel on a PC comes up to a shell that answers, and powers off",
    board: "q35",
    image: (images) => images.linux("amd64"),
    steps: [...shell(), { "write-serial": "poweroff -f\n" }, { "expect-exit": true }],
  },
];

const images = guestImages();
const boards = new Map(readBoards().map((board) => [board.metadata.name, board]));

describe.each(emulatorSets())("on $name", (set) => {
  let lab: BoardLab;

  beforeAll(async () => {
    lab = await BoardLab.start(set.folders);
  });

  afterAll(() => lab[Symbol.asyncDispose]());

  for (const { title, board: name, image, steps } of CASES) {
    const board = boards.get(name) as Board;
    if (images === undefined) {
      it.skip(`${title}: its packages are not here`);
    } else if (emulatorFolder(set, board) !== undefined) {
      it(title, async () => {
        const result = await lab.run(board, image(images), { timeout: "120s", scenario: { version: 1, steps } });
        expect(result.error?.message).toBeUndefined();
        expect(result.exit?.code ?? 0).toBe(0);
      });
    }
  }
});

/** A question to the shell whose answer does not stand in the question. */
function shell(uart?: string): Steps {
  const on = uart === undefined ? {} : { uart };
  return [
    { "wait-serial": { text: "init done", ...on } },
    { "wait-serial": { text: "# ", ...on } },
    { "write-serial": { text: "echo $(uname -sm) $((6 * 7))\n", ...on } },
    { "wait-serial": { regex: "Linux (aarch64|x86_64) 42", ...on } },
    { "wait-serial": { text: "# ", ...on } },
  ];
}
