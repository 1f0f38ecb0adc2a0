import { hash } from "node:crypto";

interface Answer<Value> {
  readonly value: Promise<Value>;
  readonly untilMs: number;
}

const MAX_ANSWERS = 10_000;

/**
 * Asks once for what is asked again within a while. What has failed is asked again at once. Questions may be secrets:
 * their digests are kept.
 */
export function rememberAnswers<Value>(ask: (question: string) => Promise<Value>, forMs: number) {
  const answers = new Map<string, Answer<Value>>();
  return (question: string): Promise<Value> => {
    const key = hash("sha256", question);
    const nowMs = performance.now();
    const known = answers.get(key);
    if (known && nowMs < known.untilMs) return known.value;
    const value = ask(question);
    if (answers.size >= MAX_ANSWERS) answers.clear();
    answers.set(key, { value, untilMs: nowMs + forMs });
    value.catch(() => {
      if (answers.get(key)?.value === value) answers.delete(key);
    });
    return value;
  };
}
