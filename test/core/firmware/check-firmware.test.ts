import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FarmError } from "../../../src/core/error/farm-error.ts";
import { checkFirmware } from "../../../src/core/firmware/check-firmware.ts";
import type { FirmwareFormat } from "../../../src/core/schema/board.ts";
import { aBoard as anyBoard } from "../../gen/board.ts";
import { anElf, factsOf } from "../../gen/elf.ts";

const aBoard = (options: Parameters<typeof anyBoard>[0] = {}) =>
  anyBoard({
    title: "Board",
    emulator: { binary: "qemu-system-arm", minVersion: "7.2", machine: "m" },
    memory: {
      ramMiB: 1,
      regions: [
        { name: "flash", base: 0, sizeKiB: 64 },
        { name: "ram", base: "0x20000000", sizeKiB: 16 },
      ],
    },
    firmware: { formats: ["elf", "bin", "hex"], load: "kernel", elf: { machines: ["arm"], class: 32 } },
    ...options,
  });

const check = (bytes: Uint8Array, board = aBoard(), format?: FirmwareFormat) =>
  checkFirmware({ name: "app", facts: factsOf(bytes), format, boardName: "board", board });

function refusal(bytes: Uint8Array, board = aBoard(), format?: FirmwareFormat): FarmError {
  try {
    check(bytes, board, format);
  } catch (error) {
    if (error instanceof FarmError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const HEX = ":0400000001020304F2\n:00000001FF\n";
const linux = aBoard({
  firmware: { formats: ["elf", "linux"], load: "kernel", linux: { append: "console=ttyS0" } },
});

function withMagic(at: number, magic: string): Buffer {
  const bytes = Buffer.alloc(4096, 1);
  bytes.write(magic, at, "latin1");
  return bytes;
}

describe("the format", () => {
  test.each<[string, Uint8Array, FirmwareFormat]>([
    ["an ELF", anElf(), "elf"],
    ["an Intel HEX file", Buffer.from(HEX), "hex"],
    ["an Intel HEX file with Windows lines", Buffer.from(HEX.replaceAll("\n", "\r\n")), "hex"],
    ["anything else", Buffer.from([0, 0, 1, 32, 9, 0, 0, 0]), "bin"],
  ])("of %s is found from the bytes", (_name, bytes, format) => {
    expect(check(bytes)).toBe(format);
  });

  test.each([
    ["x86", withMagic(0x202, "HdrS")],
    ["arm64", withMagic(0x38, "ARM\x64")],
    ["RISC-V", withMagic(0x38, "RSC\x05")],
    ["Arm", withMagic(0x24, "\x18\x28\x6f\x01")],
  ])("of an %s kernel is linux, or a raw image on a board that knows no kernels", (_name, bytes) => {
    expect(check(bytes, linux)).toBe("linux");
    expect(check(bytes)).toBe("bin");
  });

  test.each([
    ["a web page", Buffer.from("<!DOCTYPE html><html><body>404</body></html>"), "a web page"],
    ["a Git LFS pointer", Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:00"), "git lfs pull"],
    ["a text file", Buffer.from("this is not firmware at all\n"), "a text file"],
    ["a short line", Buffer.from("junk\n"), "a text file"],
    ["a zip archive", Buffer.from("PK\x03\x04 and so on, many bytes"), "a zip archive"],
    ["a gzip file", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]), "a gzip file"],
  ])("%s is refused by name, unless the job says that it is raw", (_name, bytes, words) => {
    const error = refusal(bytes);
    expect(error.code).toBe("FirmwareFormat");
    expect(error.message).toContain(words);
    expect(error.message).toContain("board board takes elf, bin, hex");
    expect(check(bytes, aBoard(), "bin")).toBe("bin");
  });

  test("bytes that are no ELF are refused by a board that takes only ELFs", () => {
    expect(refusal(Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]), linux).message).toContain("is a raw image");
  });

  test("a format that the bytes or the board contradict is refused", () => {
    expect(refusal(Buffer.from([1, 2, 3, 4, 200, 201]), aBoard(), "elf").code).toBe("FirmwareFormat");
    expect(refusal(anElf(), aBoard(), "linux").code).toBe("FirmwareFormat");
  });

  test.each([
    ["with a wrong checksum", ":0400000001020304F3\n:00000001FF\n", "line 1"],
    ["with a line that is no record", ":0400000001020304F2\nhello\n:00000001FF\n", "line 2"],
    ["without its end", ":0400000001020304F2\n", "cut off"],
  ])("an Intel HEX file %s is refused", (_name, text, words) => {
    const error = refusal(Buffer.from(text));
    expect(error.code).toBe("FirmwareFormat");
    expect(error.message).toContain(words);
  });
});

test("empty firmware is refused", () => {
  expect(refusal(Buffer.alloc(0)).code).toBe("FirmwareEmpty");
});

test("every truncation of an ELF is told with how much it should be", () => {
  const whole = anElf({ segments: [{ address: 0, fileBytes: 100 }] });
  for (let length = 6; length < whole.length; length += 1) {
    const error = refusal(whole.subarray(0, length));
    expect(error.code).toBe("FirmwareTruncated");
    expect(error.details.actualBytes).toBe(length);
    expect(Number(error.details.expectedBytes)).toBeGreaterThan(length);
  }
});

test.each([
  ["another machine", anElf({ machine: 243 }), "riscv 32-bit"],
  ["another class", anElf({ class: 64 }), "arm 64-bit"],
  ["another byte order", anElf({ isBigEndian: true }), "arm 32-bit big-endian"],
  ["a machine that nobody knows", anElf({ machine: 9999 }), "9999 32-bit"],
])("an ELF for %s is refused with both architectures", (_name, bytes, actual) => {
  const error = refusal(bytes);
  expect(error.code).toBe("FirmwareArchitecture");
  expect(error.message).toContain(`is built for ${actual}; board board runs arm 32-bit`);
});

describe("memory", () => {
  test.each([
    [
      "in its regions",
      [
        { address: 0, fileBytes: 65_536 },
        { address: 0x2000_0000, fileBytes: 16_384 },
      ],
    ],
    ["with data that is copied at start", [{ address: 0x1000, virtualAddress: 0x2000_0000, fileBytes: 64 }]],
    [
      "with its headers in a segment of their own outside",
      [
        { address: 0x7fff_f000, fileBytes: 116, hasHeaders: true },
        { address: 0, fileBytes: 64 },
      ],
    ],
    ["with its headers and padding before its memory", [{ address: 0x1fff_f000, fileBytes: 4_200, hasHeaders: true }]],
    [
      "with a segment of nothing outside",
      [
        { address: 0, fileBytes: 16 },
        { address: 0x7000_0000, fileBytes: 0 },
      ],
    ],
    [
      "with cleared memory outside",
      [
        { address: 0, fileBytes: 16 },
        { address: 0x80_0060, fileBytes: 0, memoryBytes: 4_096 },
      ],
    ],
  ])("an ELF %s is taken", (_name, segments) => {
    const bytes = anElf({ segments });
    // What is in a program is anything but nothing.
    bytes.fill(0xbf, bytes.length - 16);
    expect(check(bytes)).toBe("elf");
  });

  test("an ELF with a byte of its program behind the headers, outside its memory, is refused", () => {
    const segments = [{ address: 0x1fff_f000, fileBytes: 4_200, hasHeaders: true }];
    const bytes = anElf({ segments });
    bytes[200] = 1;
    expect(refusal(bytes).message).toContain("its segment has 4200 bytes that are to lie at 0x1ffff000, outside");
  });

  test("of several segments the one that lies outside is named", () => {
    const segments = [0, 0x1000, 0x800_0000].map((address) => ({ address, fileBytes: 16 }));
    expect(refusal(anElf({ segments })).message).toContain("segment 3 of 3 has 16 bytes that are to lie at 0x08000000");
  });

  test.each([
    ["without segments", []],
    ["with its headers only", [{ address: 0, fileBytes: 84, hasHeaders: true }]],
    ["with cleared memory only", [{ address: 0x2000_0000, fileBytes: 0, memoryBytes: 64 }]],
  ])("an ELF %s is refused: there is nothing to run", (_name, segments) => {
    const error = refusal(anElf({ segments }));
    expect(error.code).toBe("FirmwareFormat");
    expect(error.message).toContain("with nothing in it to load");
  });

  test.each([
    ["larger than a region", [{ address: 0, fileBytes: 65_537 }], "has 65537 bytes; flash has room for 65536"],
    ["outside every region", [{ address: 0x800_0000, fileBytes: 16 }], "at 0x08000000, outside its memory"],
    ["over the end of a region", [{ address: 0xfff0, fileBytes: 32 }], "room for 16"],
    [
      "clearing more than there is",
      [{ address: 0x2000_0000, fileBytes: 0, memoryBytes: 16_385 }],
      "ram has room for 16384",
    ],
  ])("an ELF %s is refused with the place", (_name, segments, words) => {
    const error = refusal(anElf({ segments }));
    expect(error.code).toBe("FirmwareTooLarge");
    expect(error.message).toContain(words);
  });

  test("regions that touch are one", () => {
    const regions = [
      { name: "flash1", base: 0x8000, sizeKiB: 32 },
      { name: "flash0", base: 0, sizeKiB: 32 },
    ];
    expect(
      check(anElf({ segments: [{ address: 0, fileBytes: 65_536 }] }), aBoard({ memory: { ramMiB: 1, regions } })),
    ).toBe("elf");
  });

  test("without regions nothing is refused", () => {
    expect(
      check(anElf({ segments: [{ address: 0xf000_0000, fileBytes: 16 }] }), aBoard({ memory: { ramMiB: 1 } })),
    ).toBe("elf");
  });

  test("a raw image larger than the memory is refused", () => {
    const error = refusal(Buffer.alloc(65_537, 1));
    expect(error.code).toBe("FirmwareTooLarge");
    expect(error.message).toContain("it has 65537 bytes; flash has 65536");
  });

  test("a raw image larger than the flash that holds it is refused", () => {
    const firmware = { formats: ["bin" as const], load: "pflash" as const, flashSizeKiB: 1 };
    expect(refusal(Buffer.alloc(1_025, 1), aBoard({ firmware })).message).toContain("the flash has 1024");
  });
});

test("arbitrary bytes are taken or refused by an error of the farm, nothing else", () => {
  const boards = [aBoard(), linux, aBoard({ firmware: { formats: ["elf"], load: "kernel" } })];
  const prefixes = ["", "\x7fELF", "\x7fELF\x01\x01\x01", "\x7fELF\x02\x01\x01", "\x7fELF\x02\x02", ":10", "MZ"];
  const bytes = fc
    .tuple(fc.constantFrom(...prefixes), fc.uint8Array({ maxLength: 300 }))
    .map(([prefix, rest]) => Buffer.concat([Buffer.from(prefix, "latin1"), rest]));
  fc.assert(
    fc.property(bytes, fc.constantFrom(...boards), (image, board) => {
      try {
        check(image, board);
      } catch (error) {
        expect(error).toBeInstanceOf(FarmError);
        expect((error as FarmError).message).not.toContain("{");
      }
    }),
    { numRuns: 2_000 },
  );
});
