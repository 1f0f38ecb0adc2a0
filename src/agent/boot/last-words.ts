const MAX_LINES = 12;
/** Two paths of a farm's folder, and what is wrong with them. */
const MAX_LINE_LENGTH = 600;
/** Where the words begin that tell the cause; a dump of registers may follow. */
const CAUSE = /\b(fatal|assert\w*|error|lockup)\b/i;

/** What an emulator said on stderr about its end, without warnings, short enough for a report. */
export function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "" && !/\bwarning:/i.test(line));
  const cause = lines.findIndex((line) => CAUSE.test(line));
  const told = cause === -1 ? lines.slice(-MAX_LINES) : lines.slice(cause, cause + MAX_LINES);
  return told.map(cut).join("\n");
}

function cut(line: string): string {
  return line.length <= MAX_LINE_LENGTH ? line : `${line.slice(0, MAX_LINE_LENGTH)}…`;
}
