/** The whole example run, on stock emulators and on the farm's own: nobody must see a difference but the time. */
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, it } from "vitest";
import { createFarmClient, type FarmClient } from "../../src/client/farm-client.ts";
import type { JobVerdict } from "../../src/core/wire/farm.ts";
import { CliPlace, image } from "../cli/cli-place.ts";
import { newestFirst } from "./emulator-sets.ts";

const FARM_QEMU = process.env.EMUFARM_FARM_QEMU_PATH;

interface Told {
  readonly type: string;
  readonly name?: string;
  readonly board?: string;
  readonly verdict?: JobVerdict;
}

interface Run {
  /** Of each job: verdict, how its guest ended, and every byte of each UART where it ended by itself. */
  readonly outcomes: Readonly<Record<string, unknown>>;
  /** What came of a job that takes an emulator which recycles: only the farm's own does. */
  readonly recycling: string | undefined;
}

async function runExamples(folders: readonly string[]): Promise<Run> {
  using place = new CliPlace();
  const env = { EMUFARM_QEMU: "stock", EMUFARM_QEMU_PATH: folders.join(delimiter) };
  const farm = place.start(["up", "--port", "0"], { env });
  await farm.said("is up");
  const { stdout, stderr } = await place.run(["test", "examples", "--json"], { env });
  const events = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Told]));
  const finished = events.flatMap(({ type, ...told }) => (type === "jobFinished" ? [told] : []));
  expect(finished.length, stderr).toBeGreaterThanOrEqual(40);
  const { url } = JSON.parse(await readFile(join(place.data, "farm.json"), "utf8"));
  await using client = createFarmClient({ address: url, token: await readFile(join(place.data, "token"), "utf8") });
  const outcomes: Record<string, unknown> = {};
  for (const { name, board, verdict } of finished) {
    const exit = verdict?.result?.exit;
    // One that was stopped had said more or less, as it happened.
    const said = exit?.reason.startsWith("Guest") ? await logsOf(client, verdict) : undefined;
    const boots = verdict?.result?.boots;
    outcomes[`${board} ${name}`] = { verdict: verdict?.verdict, reason: exit?.reason, code: exit?.code, boots, said };
  }
  const recycling = await recycle(client);
  farm.signal("SIGTERM");
  await farm.result;
  return { outcomes, recycling };
}

async function recycle(client: FarmClient): Promise<string | undefined> {
  const { sha256 } = await client.uploadBytes(await readFile(image("mps2-an385", "hello")));
  const { runId } = await client.submitJob({ board: "mps2-an385", firmware: { sha256 }, strategy: "recycle" });
  for await (const event of client.events(runId)) {
    if (event.type === "jobFinished") return event.verdict.error?.code ?? event.verdict.verdict;
  }
  return undefined;
}

async function logsOf(client: FarmClient, verdict: JobVerdict | undefined): Promise<Record<string, string>> {
  const logs: Record<string, string> = {};
  for (const { uart } of verdict?.result?.logs ?? []) {
    const parts = await Array.fromAsync(client.log(verdict?.jobId ?? "", uart));
    logs[uart] = Buffer.concat(parts).toString("latin1");
  }
  return logs;
}

if (FARM_QEMU === undefined) {
  it.skip("the farm's own QEMU is not built here (npm run qemu)");
} else {
  it("every example has the same verdict, end and output on the farm's own QEMU as on the distribution's", async () => {
    const stock = await runExamples(newestFirst());
    const own = await runExamples([FARM_QEMU, ...newestFirst()]);
    expect([stock.recycling, own.recycling]).toEqual(["NotSupportedHere", "passed"]);
    expect(own.outcomes).toEqual(stock.outcomes);
  });
}
