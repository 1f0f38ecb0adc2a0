import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Target } from "./target.ts";
import { targetNamed } from "./target-word.ts";
import { unknownTarget } from "./unknown-target.ts";

/**
 * The guest that a person has named, with the way to its channels.
 * @throws {FarmError} UnknownTarget with the nearest one; FarmNotRunning, Unauthenticated, NoCluster, Forbidden,
 *   ChannelUnreachable
 */
export async function openTarget(surroundings: Surroundings, word: string, options: FarmOptions): Promise<Target> {
  const named = targetNamed(word, surroundings, options);
  switch (named.kind) {
    case "job":
      return await (await import("./job-target.ts")).openJobTarget(surroundings, named.id, options);
    case "clusterInstance":
      return await (await import("./cluster-target.ts")).openClusterTarget(surroundings, named.name, options);
    case "unknown":
      throw unknownTarget(word, []);
  }
}
