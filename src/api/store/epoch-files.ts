import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createWhole, discard, type TemporaryNames } from "./atomic-file.ts";
import type { StoreLayout } from "./store-layout.ts";

/** The latest stay, so that callers at the same time meet each other's files. */
const KEPT = 16;

/** Takes the next epoch of a pool: an empty file whose creation only one caller achieves. */
export async function takeNextEpoch(layout: StoreLayout, pool: string, temporary: TemporaryNames): Promise<number> {
  for (;;) {
    const taken = await readEpochs(layout, pool);
    const next = Math.max(0, ...taken) + 1;
    const path = join(layout.epochs, `${pool}.${next}`);
    if (!(await createWhole(path, "", temporary.next(), { isDurable: true }))) continue;
    // Who read long ago may have made anew what a later one had taken away: then a higher one is there.
    if ((await readEpochs(layout, pool)).some((epoch) => epoch > next)) {
      await discard(path);
      continue;
    }
    for (const old of taken.filter((epoch) => epoch <= next - KEPT))
      await discard(join(layout.epochs, `${pool}.${old}`));
    return next;
  }
}

async function readEpochs(layout: StoreLayout, pool: string): Promise<number[]> {
  const names = await readdir(layout.epochs);
  return names.filter((name) => name.startsWith(`${pool}.`)).map((name) => Number(name.slice(pool.length + 1)));
}
