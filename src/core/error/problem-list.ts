/** Problems for a sentence that ends with them: one stands in it, several stand below it, each on a line of its own. */
export function problemList(problems: readonly string[], count = problems.length): string {
  return problems.length === 1 ? problems.join() : `${count} problems:\n${problems.join("\n")}`;
}
