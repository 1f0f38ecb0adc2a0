import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { JOB_ID } from "../command/farm-ids.ts";
import type { ClusterOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/** What a word of the command line names. */
export type NamedTarget =
  | { readonly kind: "job"; readonly id: string }
  | { readonly kind: "clusterInstance"; readonly name: string }
  /** Neither an id nor a name that anything could have. */
  | { readonly kind: "unknown" };

const INSTANCE = /^(?:emu|(?:emulator)?instances?)(?:[.]emufarm[.]dev)?\/([^/]+)$/i;

/** Whom a word means: `emu/NAME`, the id of a job, and where a cluster was named a name alone. */
export function targetNamed(
  word: string,
  surroundings: Pick<Surroundings, "env">,
  options: ClusterOptions,
): NamedTarget {
  if (JOB_ID.test(word)) return { kind: "job", id: word };
  const named = INSTANCE.exec(word)?.[1];
  if (named !== undefined) return { kind: "clusterInstance", name: named };
  const isName = isClusterWanted(surroundings, options) && !word.includes("/");
  return isName ? { kind: "clusterInstance", name: word } : { kind: "unknown" };
}
