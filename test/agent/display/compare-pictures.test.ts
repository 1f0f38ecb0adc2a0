import fc from "fast-check";
import { PNG } from "pngjs";
import { expect, test } from "vitest";
import { comparePictures } from "../../../src/agent/display/compare-pictures.ts";

function picture(width: number, height: number, colourAt: (x: number, y: number) => number): Buffer {
  const png = new PNG({ width, height });
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) png.data.writeUInt32BE(colourAt(x, y) * 256 + 255, (y * width + x) * 4);
  }
  return PNG.sync.write(png);
}

const BLACK = 0x000000;
const WHITE = 0xffffff;

test("a picture is like itself", () => {
  const one = picture(8, 8, (x) => x * 0x101010);
  expect(comparePictures(one, one)).toEqual({ share: 0, points: 0 });
  expect(
    comparePictures(
      one,
      picture(8, 8, (x) => x * 0x101010),
    ),
  ).toEqual({ share: 0, points: 0 });
});

test("points that differ are counted, and shown in red", () => {
  const black = picture(10, 10, () => BLACK);
  const marked = picture(10, 10, (x, y) => (x < 5 && y === 0 ? WHITE : BLACK));
  const { share, points, picture: difference } = comparePictures(marked, black);
  expect([share, points]).toEqual([0.05, 5]);
  const shown = PNG.sync.read(difference ?? Buffer.alloc(0));
  expect([...shown.data.subarray(0, 3)]).toEqual([255, 0, 0]);
});

test("any number of blocks that differ is the share of the picture that they are", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), (rows) => {
      const black = picture(16, 16, () => BLACK);
      expect(
        comparePictures(
          picture(16, 16, (_x, y) => (y < rows ? WHITE : BLACK)),
          black,
        ).share,
      ).toBe(rows / 16);
    }),
  );
});

test("a colour that nobody sees to be another is none", () => {
  const [one, other] = [picture(4, 4, () => 0x404040), picture(4, 4, () => 0x424242)];
  expect(comparePictures(one, other).points).toBe(0);
});

test("pictures of other sizes differ as a whole, which is said", () => {
  const { share, sizes } = comparePictures(
    picture(4, 4, () => BLACK),
    picture(8, 2, () => BLACK),
  );
  expect([share, sizes]).toEqual([1, "it is 4 x 4, and 8 x 2 is expected"]);
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["garbage", Buffer.from("this is no picture at all, whatever its name")],
  ["half a picture", picture(8, 8, () => WHITE).subarray(0, 60)],
])("%s is refused with a sentence", (_, bytes) => {
  const act = () =>
    comparePictures(
      picture(8, 8, () => BLACK),
      bytes,
    );
  expect(act).toThrow(expect.objectContaining({ code: "ScreenshotFailed" }));
});

test("a picture that says to be huge is never unpacked", () => {
  const bomb = Buffer.from(picture(8, 8, () => BLACK));
  bomb.writeUInt32BE(100_000, 16);
  bomb.writeUInt32BE(100_000, 20);
  expect(() =>
    comparePictures(
      bomb,
      picture(8, 8, () => BLACK),
    ),
  ).toThrow("16 million points");
});
