import { FarmError } from "../../core/error/farm-error.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";
import { targetNamed } from "./target-word.ts";
import { areInstancesOnCluster } from "./where-instances.ts";

/**
 * The guest that a person has named, with the way to its channels.
 * @throws {FarmError} UnknownTarget with the nearest one; FarmNotRunning, Unauthenticated, NoCluster, Forbidden,
 *   ChannelUnreachable
 */
export async function openTarget(surroundings: Surroundings, word: string, options: FarmOptions): Promise<Target> {
  const named = targetNamed(word);
  switch (named.kind) {
    case "job":
      return await (await import("./job-target.ts")).openJobTarget(surroundings, named.id, options);
    case "instance": {
      if (await areInstancesOnCluster(surroundings, options)) {
        return await (await import("./cluster-target.ts")).openClusterTarget(surroundings, named.name, options);
      }
      return await (await import("./instance-target.ts")).openInstanceTarget(surroundings, named.name, options);
    }
    case "unknown":
      throw new FarmError("UnknownTarget", {
        name: word,
        hint: " Name a job by its id, an instance as emu/NAME or NAME.",
      });
  }
}
