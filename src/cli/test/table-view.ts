import type { WriteStream } from "node:tty";
import { liveScreen } from "../screen/live-screen.ts";
import type { Paint } from "../screen/style.ts";
import { terminalSize } from "../screen/terminal-size.ts";
import { liveTable } from "./live-table.ts";
import type { RunState } from "./run-state.ts";
import type { RunView } from "./run-view.ts";

/** The seconds that are shown move, and a fast run must not be all drawing. */
const FRAME_MS = 100;

/** A table that is drawn over itself, for a terminal. Failures are written above it and stay. */
export function tableView(out: WriteStream, paint: Paint): RunView {
  const screen = liveScreen(out);
  const startedMs = performance.now();
  let state: RunState | undefined;
  let frames: NodeJS.Timeout | undefined;
  const draw = () => {
    if (!state) return;
    screen(liveTable(state, terminalSize(out), performance.now(), startedMs, paint));
  };
  return {
    begin(begun) {
      state = begun;
      draw();
      frames = setInterval(draw, FRAME_MS);
    },
    finished(_job, failure) {
      if (failure.length === 0) return;
      screen.clear();
      out.write(`${failure.join("\n")}\n\n`);
      draw();
    },
    aside(write) {
      screen.clear();
      write();
      draw();
    },
    end() {
      clearInterval(frames);
      draw();
      screen.done();
    },
  };
}
