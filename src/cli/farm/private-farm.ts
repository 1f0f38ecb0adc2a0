import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { type RunningFarm, startFarm } from "../up/farm.ts";
import { SLOTS_PER_AGENT } from "../up/farm-process.ts";
import { withFarmQemu } from "./emulator-path.ts";
import { makePrivateFolder } from "./private-folder.ts";

const HOST = "127.0.0.1";

/** Starts a whole farm for one call, in a folder that goes with it. */
export async function startPrivateFarm(
  surroundings: Surroundings,
  { slots = availableParallelism() * 2, data: chosenData }: { slots?: number | undefined; data?: string | undefined },
): Promise<RunningFarm> {
  await using cleanup = new AsyncDisposableStack();
  const { node, pid, uid, project, interrupted, stderr } = surroundings;
  const own = farmFolders(surroundings, chosenData);
  const folder = cleanup.use(await makePrivateFolder(surroundings));
  const data = join(folder.path, "data");
  await mkdir(data, { mode: 0o711 });
  const plan = {
    folders: { ...own, data, runtime: join(folder.path, "rt") },
    project,
    env: withFarmQemu(surroundings),
    pid,
    uid,
    node,
    host: HOST,
    port: 0,
    slots,
    agents: Math.ceil(slots / SLOTS_PER_AGENT),
    // Boards that were added to the farm are known to its stand-in as well.
    boards: [join(own.data, "boards")],
  };
  const onLost = (name: string, how: string) => stderr.write(`emufarm: ${name} ended (${how}); starting it again\n`);
  const farm = cleanup.use(await startFarm(plan, { onLost }, interrupted));
  const kept = cleanup.move();
  return { ...farm, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
