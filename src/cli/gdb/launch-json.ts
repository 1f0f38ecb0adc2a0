import { join, resolve } from "node:path";
import type { Architecture } from "../../core/schema/board.ts";
import { findBoard } from "../farm/documents.ts";
import type { RunOptions, RunSubject } from "../run/run-request.ts";
import type { Surroundings } from "../surroundings.ts";
import { architectureCommands, findGdb } from "./gdb-program.ts";
import { USUAL_PORT, WAITING } from "./offer-gdb.ts";

export interface Launch {
  /** In the list of VS Code's debugger. */
  readonly name: string;
  /** The ELF. */
  readonly program: string;
  readonly gdb: string;
  readonly architecture: Architecture;
  readonly port: number;
  /** The program that offers the board, and its arguments. */
  readonly server: string;
  readonly serverArguments: readonly string[];
}

/** VS Code puts the folder that is open in its place. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: it is VS Code's template
export const WORKSPACE = "${workspaceFolder}";

/**
 * A `.vscode/launch.json` for Microsoft's C/C++ extension (type cppdbg): F5 starts emufarm, which offers the board, and
 * gdb, which comes to it. https://code.visualstudio.com/docs/cpp/launch-json-reference
 */
export function launchJson({ name, program, gdb, architecture, port, server, serverArguments }: Launch): string {
  const configuration = {
    name,
    type: "cppdbg",
    request: "launch",
    program,
    cwd: WORKSPACE,
    MIMode: "gdb",
    miDebuggerPath: gdb,
    miDebuggerServerAddress: `127.0.0.1:${port}`,
    debugServerPath: server,
    debugServerArgs: serverArguments.map(quoted).join(" "),
    serverStarted: WAITING,
    filterStderr: true,
    filterStdout: false,
    stopAtConnect: true,
    setupCommands: architectureCommands(architecture).map((text) => ({ text })),
  };
  return `${JSON.stringify({ version: "0.2.0", configurations: [configuration] }, null, 2)}\n`;
}

/** The one for `emufarm run BOARD IMAGE --gdb`. @throws {FarmError} UnknownBoard, DebuggerMissing */
export async function launchOfRun(
  surroundings: Surroundings,
  { board, image }: RunSubject,
  options: RunOptions,
): Promise<string> {
  const { name, spec } = await findBoard(surroundings, board, options.data);
  const port = typeof options.gdb === "number" ? options.gdb : USUAL_PORT;
  const program = resolve(surroundings.cwd, image);
  return launchJson({
    name: `${name} (emufarm)`,
    program,
    gdb: findGdb(surroundings, spec.architecture),
    architecture: spec.architecture,
    port,
    server: serverOf(surroundings),
    serverArguments: ["run", board, program, "--gdb", String(port)],
  });
}

export function serverOf({ project }: Pick<Surroundings, "project">): string {
  return join(project.folder, "bin/emufarm");
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`;
}
