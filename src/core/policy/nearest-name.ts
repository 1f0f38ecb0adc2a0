/**
 * The name that somebody may have meant by one that does not exist: the nearest by edits, where it is near enough to
 * be worth a word. Capitals do not count.
 */
export function nearestName(name: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of names) {
    const count = likeness(name.toLowerCase(), candidate.toLowerCase());
    if (count < fewest) [nearest, fewest] = [candidate, count];
  }
  return nearest;
}

function likeness(name: string, candidate: string): number {
  return candidate.startsWith(name) || candidate.endsWith(name) ? 1 : edits(name, candidate);
}

/** Levenshtein's distance. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
