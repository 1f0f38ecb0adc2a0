/** The whole example run, on stock emulators and on the farm's own: nobody must see a difference but the time. */
import { delimiter } from "node:path";
import { expect, it } from "vitest";
import { CliPlace } from "../cli/cli-place.ts";
import { newestFirst } from "./emulator-sets.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

interface Told {
  type: string;
  name?: string;
  board?: string;
  verdict?: {
    verdict: string;
    result?: { exit?: { reason: string; code?: number }; logs: object[]; lastLines: string[]; boots: number };
  };
}

/** Of each job: verdict, how its guest ended, and what it said where it ended by itself. */
async function outcomes(folders: readonly string[]): Promise<Record<string, unknown>> {
  using place = new CliPlace();
  const env = { EMUFARM_QEMU: "stock", EMUFARM_QEMU_PATH: folders.join(delimiter) };
  const { stdout, stderr } = await place.run(["test", "examples", "--json"], { env });
  const events = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Told]));
  const finished = events.flatMap((told) => (told.type === "jobFinished" ? [told] : []));
  expect(finished.length, stderr).toBeGreaterThanOrEqual(40);
  return Object.fromEntries(
    finished.map(({ name, board, verdict: { verdict, result } = {} as NonNullable<Told["verdict"]> }) => {
      const exit = result?.exit;
      // One that was stopped had said more or less, as it happened.
      const said = exit?.reason.startsWith("Guest") ? { lines: result?.lastLines, logs: result?.logs } : undefined;
      return [`${board} ${name}`, { verdict, reason: exit?.reason, code: exit?.code, boots: result?.boots, said }];
    }),
  );
}

if (FARM_QEMU === undefined) {
  it.skip("the farm's own QEMU is not built here (npm run qemu)");
} else {
  it("every example has the same verdict, end and output on the farm's own QEMU as on the distribution's", async () => {
    const stock = await outcomes(newestFirst());
    const own = await outcomes([FARM_QEMU, ...newestFirst()]);
    expect(Object.keys(stock).length).toBeGreaterThanOrEqual(40);
    expect(own).toEqual(stock);
  });
}
