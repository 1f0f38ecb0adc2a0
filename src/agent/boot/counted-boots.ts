import type { ExitReason } from "../../core/verdict.ts";
import type { BootRequest, BootStrategy } from "./boot.ts";

/** The way of a boot, or what was asked for where none came of it; and how it ended. Both are few. */
export interface CountedBoot {
  readonly strategy: BootRequest["strategy"];
  readonly outcome: ExitReason | "NotStarted";
}

/** The same boots, each told of once it has ended. */
export function countedBoots(boots: BootStrategy, onEnded: (ended: CountedBoot) => void): BootStrategy {
  return {
    async boot(request, progress) {
      try {
        const boot = await boots.boot(request, progress);
        void boot.exited.then(({ reason }) => onEnded({ strategy: boot.strategy, outcome: reason }));
        return boot;
      } catch (error) {
        onEnded({ strategy: request.strategy, outcome: "NotStarted" });
        throw error;
      }
    },
    rank: (slot, wanted) => boots.rank(slot, wanted),
  };
}
