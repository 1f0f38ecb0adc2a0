import { textChannels } from "../../core/policy/text-channels.ts";
import type { BootStrategyName } from "../../core/schema/boot-strategy.ts";
import { chardevOf } from "../emulator/emulator-arguments.ts";
import type { Boot } from "./boot.ts";
import { type BootParts, type BootPlan, begun, madeBoot, sweep } from "./boot-parts.ts";
import { recycleArguments } from "./given-firmware.ts";
import type { LiveEmulator } from "./live-emulator.ts";
import { spawnedBoot } from "./spawned-boot.ts";
import type { Waiting } from "./standby.ts";

/** Command of the farm's own QEMU (images/qemu). */
const RECYCLE = "__dev.emufarm_recycle";

/** Its answer: of each character device the bytes that its guests have written by then, and when the next one begins. */
interface Recycled {
  readonly serials: readonly { readonly label: string; readonly written: number }[];
  readonly "virtual-ns": number;
}

/** A boot in a process that has served a boot of the same tenant, or none yet; it starts without firmware. */
export async function recycledBoot(parts: BootParts, { request, emulator, firmware }: BootPlan): Promise<Boot> {
  const { launcher, standby, spareAfterMs } = parts;
  const { slot, tenant, board, boardName } = request;
  const empty = { ...request, firmware: undefined };
  const key = launcher.keyOf(empty, emulator, "empty");
  const launch = async () => {
    await sweep(slot);
    return launcher.launch(empty, emulator, "empty");
  };
  const waitingOf = (of: string | undefined, live: LiveEmulator): Waiting => ({ live, key, boardName, tenant: of });
  const waiting = await standby.take(slot, { tenant, key });
  const live = waiting?.live ?? (await launch());
  const onDisposed = () => standby.keepLater(slot, spareAfterMs, async () => waitingOf(undefined, await launch()));
  try {
    const timeoutMs = live.qmp.answerTimeoutMs;
    const answer = await live.qmp.execute(RECYCLE, recycleArguments(board, firmware), { timeoutMs });
    const { serials, "virtual-ns": beganNs } = answer as Recycled;
    live.beganNs = beganNs;
    // The last words of a guest are not the next one's first.
    const writtenOn = new Map(serials.map(({ label, written }) => [label, written]));
    await live.readUpTo(textChannels(board).map((name) => writtenOn.get(chardevOf(board, name))));
  } catch {
    // An image that it does not take as it stands, or a process that has died: a fresh start tells which.
    await live[Symbol.asyncDispose]();
    return spawnedBoot(parts, request, emulator, { onDisposed });
  }
  return madeBoot(parts, {
    strategy: wayOf(waiting),
    request,
    live,
    begin: (qmp, connectPins) => begun(qmp, { request, emulator }, connectPins),
    onReusable: (one) => standby.keep(slot, waitingOf(tenant, one)),
    onDisposed,
  });
}

/** A process that nobody has run in is a fresh one, whether it waited or not. */
function wayOf(waiting: Waiting | undefined): BootStrategyName {
  if (!waiting) return "spawn";
  return waiting.tenant === undefined ? "spare" : "recycle";
}
