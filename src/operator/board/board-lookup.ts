import type { Problem } from "../../core/policy/instance-observation.ts";
import { nearestName } from "../../core/policy/nearest-name.ts";
import type { BoardSpec } from "../../core/schema/board.ts";
import type { FarmObject } from "../kubernetes/kinds.ts";
import { parseBoard } from "../kubernetes/parsed-objects.ts";

/** A board as an instance gets it, and as its pod remembers it. */
export interface FoundBoard {
  readonly kind: "Board" | "ClusterBoard";
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly spec: BoardSpec;
}

/** Where boards are looked up. */
export interface BoardSources {
  readonly boards: { get(key: string): FarmObject | undefined; list(): readonly FarmObject[] };
  readonly clusterBoards: { get(key: string): FarmObject | undefined; list(): readonly FarmObject[] };
}

/** The board of this name: of the namespace, or else of the cluster. */
export function findBoard(
  { boards, clusterBoards }: BoardSources,
  namespace: string,
  name: string,
): { readonly board: FoundBoard } | { readonly problem: Problem } {
  const object = boards.get(`${namespace}/${name}`) ?? clusterBoards.get(name);
  if (!object)
    return { problem: { reason: "BoardNotFound", message: absence({ boards, clusterBoards }, namespace, name) } };
  const parsed = parseBoard(object);
  if ("problem" in parsed) return parsed;
  const { uid = "", generation = 0 } = object.metadata;
  const kind = object.kind === "Board" ? "Board" : "ClusterBoard";
  return { board: { kind, name, uid, generation, spec: parsed.value } };
}

function absence({ boards, clusterBoards }: BoardSources, namespace: string, name: string): string {
  const own = boards.list().filter(({ metadata }) => metadata.namespace === namespace);
  const names = [...own, ...clusterBoards.list()].map(({ metadata }) => metadata.name ?? "");
  const nearest = nearestName(name, names);
  const hint = nearest === undefined ? "" : ` Did you mean ${nearest}?`;
  return `There is no Board ${name} in namespace ${namespace}, nor a ClusterBoard of that name.${hint}`;
}
