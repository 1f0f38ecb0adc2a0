import { describe, expect, test } from "vitest";
import { checkInput, flood } from "./check-input.ts";
import { readCorpus } from "./codec.ts";
import { CODECS } from "./codecs.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";

const SEED = 1;
const MAX_FLOODS = 5;
const FLOOD_BYTES = 128 * 1024;

describe.each(CODECS.map((codec) => ({ codec, name: codec.name })))("The codec $name", ({ codec }) => {
  const corpus = [...readCorpus(codec)];

  test("reads what is in its corpus in any pieces, and throws nothing but its own refusal", async () => {
    expect(corpus.length).toBeGreaterThan(0);
    for (const [, input] of corpus) await checkInput(codec, input, SEED);
  });

  if (!codec.isStream) return;

  test("bears a flood of it", async () => {
    for (const [, input] of corpus.slice(0, MAX_FLOODS)) await flood(codec, input, FLOOD_BYTES);
  });
});

test("mutations are the same for the same seed, and no longer than they may be", () => {
  const [one, other] = [Buffer.from("SET 1 1\n"), Buffer.from('{"a": [1, 2]}')];
  const made = () => {
    const random = new Random(SEED);
    return Array.from({ length: 500 }, () => mutate(one, other, random, 100).toString("latin1"));
  };
  expect(made()).toEqual(made());
  expect(new Set(made()).size).toBeGreaterThan(300);
  expect(made().every(({ length }) => length <= 100)).toBe(true);
});
