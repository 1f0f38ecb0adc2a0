/** A key, a certificate authority: whatever is used for a while and has a successor then. */
export interface Rotated {
  /** When it begins to be used. It is known everywhere before. */
  readonly activeFromMs: number;
}

export interface RotationRules {
  /** How long one is used. */
  readonly lifeMs: number;
  /** How long before its use one is made known: as long as news takes to be everywhere. */
  readonly leadMs: number;
  /** How long one is kept after its successor is used: as long as what was made with it is good. */
  readonly retireMs: number;
}

export interface RotationPlan<Key extends Rotated> {
  /** In the order of their use; what is not among them has had its time. */
  readonly keep: readonly Key[];
  /** From when the one to be made is used; undefined: none is to be made. */
  readonly makeFromMs: number | undefined;
  /** When to look again. */
  readonly nextAtMs: number;
}

/**
 * What is to be kept, and whether a successor is due. At any time one is used, and at most one other is known: the
 * successor before its use, or the predecessor after its own. Needs `leadMs + retireMs < lifeMs`.
 */
export function planRotation<Key extends Rotated>(
  keys: readonly Key[],
  nowMs: number,
  { lifeMs, leadMs, retireMs }: RotationRules,
): RotationPlan<Key> {
  const ordered = keys.toSorted((a, b) => a.activeFromMs - b.activeFromMs);
  const active = activeOf(ordered, nowMs);
  // Where no key is in use yet, there is nobody to wait for.
  if (!active) return { keep: [], makeFromMs: nowMs, nextAtMs: nowMs + lifeMs - leadMs };
  const keep = ordered.filter(
    (key) => key.activeFromMs >= active.activeFromMs || nowMs < active.activeFromMs + retireMs,
  );
  const isAlone = keep.at(-1) === active;
  const isFirst = keep[0] === active;
  const successorDueMs = active.activeFromMs + lifeMs - leadMs;
  if (isAlone && isFirst && nowMs >= successorDueMs) {
    const makeFromMs = nowMs + leadMs;
    return { keep, makeFromMs, nextAtMs: makeFromMs + retireMs };
  }
  if (!isFirst) return { keep, makeFromMs: undefined, nextAtMs: active.activeFromMs + retireMs };
  const successor = keep.at(-1);
  if (!isAlone && successor) return { keep, makeFromMs: undefined, nextAtMs: successor.activeFromMs + retireMs };
  return { keep, makeFromMs: undefined, nextAtMs: successorDueMs };
}

/** The one that is used now; undefined where none is. */
export function activeOf<Key extends Rotated>(keys: readonly Key[], nowMs: number): Key | undefined {
  return keys
    .filter(({ activeFromMs }) => activeFromMs <= nowMs)
    .reduce<Key | undefined>((last, key) => (last && last.activeFromMs > key.activeFromMs ? last : key), undefined);
}
