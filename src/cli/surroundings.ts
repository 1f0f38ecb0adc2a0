import type { ReadStream, WriteStream } from "node:tty";

/** Everything of the process that a command may use; only main.ts touches the process itself. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The command line after the program's name. */
  readonly args: readonly string[];
  /** The Node that runs this, for the programs that it starts. */
  readonly node: string;
  readonly cwd: string;
  readonly home: string;
  readonly uid: number;
  readonly pid: number;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: the command ends what it began. */
  readonly interrupted: AbortSignal;
  readonly project: ProjectFiles;
  /** From now on signals of the terminal are for a program that was started in it. Returns how to take them back. */
  yieldTerminal(): Disposable;
}

/** Standard input, with the number of its file. */
export type InputStream = ReadStream & { readonly fd: number };

/** A stream of the process, with the number of its file. */
export type OutputStream = WriteStream & { readonly fd: number };

/** Where the programs and the data that come with emufarm lie: beside the sources, or beside the bundle. */
export interface ProjectFiles {
  readonly folder: string;
  readonly agentProgram: string;
  readonly apiProgram: string;
  readonly boardsFolder: string;
  readonly examplesFolder: string;
}
