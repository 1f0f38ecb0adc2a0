import { JOB_ID } from "../command/farm-ids.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import { isClusterWanted } from "./cluster-wanted.ts";

const INSTANCE = /^(?:emu|emulatorinstances?)(?:[.]emufarm[.]dev)?\/([^/]+)$/i;

/** The name in `emu/NAME`, and where a cluster was named in any word that is no job's id; undefined for a job. */
export function instanceNameIn(
  word: string,
  surroundings: Pick<Surroundings, "env">,
  options: ClusterOptions,
): string | undefined {
  const named = INSTANCE.exec(word)?.[1];
  if (named !== undefined) return named;
  return isClusterWanted(surroundings, options) && !JOB_ID.test(word) && !word.includes("/") ? word : undefined;
}
