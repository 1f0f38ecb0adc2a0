import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FarmError } from "../core/error/farm-error.ts";
import { EXIT, exitCodeOfError } from "./exit-code.ts";
import { runProgram } from "./program.ts";
import { errorText } from "./screen/error-text.ts";
import type { ProjectFiles, Surroundings } from "./surroundings.ts";

/** One Ctrl-C may come twice: from the terminal, and from the npm that called. */
const SAME_KEY_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The same in the sources and in the bundle: programs lie side by side, two folders below the project. */
function projectFiles(): ProjectFiles {
  const folder = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
  const isBundle = import.meta.url.endsWith(".js");
  const program = (name: string) =>
    fileURLToPath(new URL(`../${name}/main.${isBundle ? "js" : "ts"}`, import.meta.url));
  return {
    folder,
    agentProgram: program("agent"),
    apiProgram: program("api"),
    boardsFolder: join(folder, "manifests/boards"),
    examplesFolder: join(folder, "examples"),
  };
}

function surroundings(interrupted: AbortSignal, yieldTerminal: () => Disposable): Surroundings {
  return {
    env: process.env,
    args: process.argv.slice(2),
    node: process.execPath,
    cwd: process.cwd(),
    home: homedir(),
    uid: process.getuid?.() ?? -1,
    pid: process.pid,
    // Each is made when it is first asked for: most commands never read their input.
    get stdin() {
      return process.stdin;
    },
    get stdout() {
      return process.stdout;
    },
    get stderr() {
      return process.stderr;
    },
    interrupted,
    yieldTerminal,
    project: projectFiles(),
  };
}

async function main(): Promise<number> {
  const interruption = new AbortController();
  let interruptedMs = Number.POSITIVE_INFINITY;
  let isTerminalYielded = false;
  const yieldTerminal = () => {
    isTerminalYielded = true;
    return {
      [Symbol.dispose]() {
        isTerminalYielded = false;
      },
    };
  };
  const interrupt = (how: string) => {
    if (isTerminalYielded && how === "SIGINT") return;
    interruptedMs = Math.min(interruptedMs, performance.now());
    interruption.abort(new FarmError("Cancelled", { reason: how }));
  };
  for (const signal of SIGNALS) process.on(signal, () => interrupt(signal));
  // Whoever cannot wait: children end with their standard input, and the next call removes what is left.
  process.on("SIGINT", () => {
    if (performance.now() - interruptedMs > SAME_KEY_MS) process.exit(EXIT.interrupted);
  });
  // Whoever read the output has had enough, as `head` does.
  process.stdout.on("error", () => interrupt("standard output was closed"));
  try {
    return await runProgram(surroundings(interruption.signal, yieldTerminal));
  } catch (thrown) {
    if (interruption.signal.aborted) return EXIT.interrupted;
    const error = FarmError.from(thrown);
    process.stderr.write(`emufarm: ${errorText(error)}\n`);
    if (error.code === "Internal" && error.cause instanceof Error) process.stderr.write(`${error.cause.stack}\n`);
    return exitCodeOfError(error);
  }
}

process.exit(await main());
