import { clipped, type Paint, plainLine } from "../screen/style.ts";
import type { TerminalSize } from "../screen/terminal-size.ts";
import type { FollowedJob, JobMark, RunState } from "./run-state.ts";
import { totalsText } from "./totals.ts";

const MARKS: Record<JobMark, [string, Parameters<Paint>[0]]> = {
  passed: ["✔", "green"],
  expected: ["◇", "green"],
  failed: ["✘", "red"],
  cancelled: ["■", "yellow"],
  skipped: ["–", "yellow"],
  running: ["▸", "cyan"],
  waiting: ["·", "dim"],
};

const LEGEND: [JobMark, string][] = [
  ["passed", "passed"],
  ["expected", "failed as expected"],
  ["failed", "failed"],
  ["running", "running"],
  ["skipped", "skipped"],
];

/** A board with more jobs than this is shown by counts. */
const MOST_MARKS = 12;
const MOST_RUNNING = 4;
/** A terminal lower than this shows less of what runs. */
const LOW_TERMINAL_ROWS = 16;

/** The picture of a run at one moment: a bar, a cell for each board, what runs just now. */
export function liveTable(state: RunState, size: TerminalSize, nowMs: number, startedMs: number, paint: Paint): string {
  const width = Math.max(40, size.columns - 1);
  const cells = boardCells(state, paint);
  const cellWidth = Math.max(0, ...cells.map((cell) => cell.width)) + 3;
  const perRow = Math.max(1, Math.floor(width / cellWidth));
  const rowCount = Math.ceil(cells.length / perRow);
  // Down the columns, as names are read.
  const grid = Array.from({ length: rowCount }, (_, row) =>
    Array.from({ length: perRow }, (_, column) => cells[column * rowCount + row])
      .filter((cell) => cell !== undefined)
      .map((cell) => cell.text + " ".repeat(cellWidth - cell.width))
      .join("")
      .trimEnd(),
  );
  const mostRunning = size.rows < LOW_TERMINAL_ROWS ? 1 : MOST_RUNNING;
  const rowsLeft = Math.max(1, size.rows - 9 - Math.min(mostRunning, state.count("running")));
  const hidden = grid.length - rowsLeft;
  const shown = hidden > 0 ? [...grid.slice(0, rowsLeft - 1), paint("dim", `… ${hidden + 1} more rows`)] : grid;
  return [
    `${progressBar(state, Math.min(40, width - 30), paint)}  ${((nowMs - startedMs) / 1_000).toFixed(1)} s`,
    totalsText(state, paint),
    "",
    ...shown,
    "",
    ...runningLines(state, mostRunning, width, nowMs, paint),
    LEGEND.map(([mark, word]) => `${paint(MARKS[mark][1], MARKS[mark][0])} ${paint("dim", word)}`).join("  "),
  ].join("\n");
}

function progressBar(state: RunState, width: number, paint: Paint): string {
  const share = state.jobs.length === 0 ? 1 : state.finished / state.jobs.length;
  const filled = Math.floor(share * width);
  const format = state.count("failed") > 0 ? "red" : "green";
  return `${paint(format, "━".repeat(filled))}${paint("dim", "━".repeat(width - filled))} ${state.finished}/${state.jobs.length}`;
}

function boardCells(state: RunState, paint: Paint): { text: string; width: number }[] {
  const byBoard = Map.groupBy(state.jobs, (job) => job.board);
  const nameWidth = Math.min(24, Math.max(0, ...[...byBoard.keys()].map((name) => name.length)));
  const hasMany = [...byBoard.values()].some((jobs) => jobs.length > MOST_MARKS);
  return [...byBoard].map(([board, jobs]) => {
    const [marks, marksWidth] = hasMany ? countedMarks(jobs, paint) : singleMarks(jobs, paint);
    return { text: `${clipped(board, nameWidth).padEnd(nameWidth)} ${marks}`, width: nameWidth + 1 + marksWidth };
  });
}

function singleMarks(jobs: readonly FollowedJob[], paint: Paint): [string, number] {
  return [jobs.map(({ mark }) => paint(MARKS[mark][1], MARKS[mark][0])).join(""), jobs.length];
}

function countedMarks(jobs: readonly FollowedJob[], paint: Paint): [string, number] {
  const counts = Map.groupBy(jobs, (job) => job.mark);
  const parts = (Object.keys(MARKS) as JobMark[])
    .map((mark) => ({ mark, count: counts.get(mark)?.length ?? 0 }))
    .filter(({ count }) => count > 0)
    .map(({ mark, count }) => ({ mark, text: `${MARKS[mark][0]}${count}` }));
  return [
    parts.map(({ mark, text }) => paint(MARKS[mark][1], text)).join(" "),
    parts.reduce((width, { text }) => width + text.length + 1, -1),
  ];
}

function runningLines(state: RunState, most: number, width: number, nowMs: number, paint: Paint): string[] {
  const running = state.jobs.filter((job) => job.mark === "running");
  const lines = running.slice(0, most).map((job) => {
    const seconds = ((nowMs - (job.startedMs ?? nowMs)) / 1_000).toFixed(1);
    return paint("cyan", "▸ ") + clipped(`${job.board}  ${plainLine(job.name)}  ${seconds} s`, width - 2);
  });
  return lines.length === 0 ? [] : [...lines, ""];
}
