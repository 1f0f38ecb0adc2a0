import { FarmError } from "../../core/error/farm-error.ts";
import { problemList } from "../../core/error/problem-list.ts";

/**
 * Reads documents side by side, and tells what is wrong with any of them at once.
 * @throws {FarmError} InvalidDocument with the problems of all; whatever else one of them is refused for
 */
export async function readEach<File, Document>(
  files: readonly File[],
  read: (file: File) => Promise<Document>,
): Promise<Document[]> {
  const settled = await Promise.allSettled(files.map(read));
  const thrown = settled.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (thrown.length === 0) return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const invalid = thrown.filter((one) => one instanceof FarmError).filter(({ code }) => code === "InvalidDocument");
  const [first] = invalid;
  if (!first || invalid.length < thrown.length || invalid.length === 1) throw thrown[0];
  const problems = invalid.flatMap(({ details }) => problemsOf(String(details.problems)));
  throw new FarmError("InvalidDocument", {
    ...first.details,
    problems: problemList(problems),
    count: problems.length,
  });
}

/** Lines of a list of problems, without its heading. */
function problemsOf(list: string): string[] {
  const lines = list.split("\n");
  return lines.length === 1 ? lines : lines.slice(1);
}
