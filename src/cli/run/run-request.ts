import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Project } from "./project.ts";
import type { NamedBytes, RunRequest } from "./run-place.ts";

export interface RunOptions extends Omit<FarmOptions, "farm"> {
  readonly farm?: string | boolean;
  readonly interactive?: true;
  readonly uart?: string;
  readonly expectText?: string;
  readonly failText?: string;
  readonly scenario?: string;
  readonly timeout?: string;
  readonly timeoutExitCode: number;
  readonly exitCode?: "farm" | "guest";
  readonly serialLogFile?: string;
  readonly artifacts?: string;
  readonly onReset?: "continue" | "end";
  readonly kernelAppend?: string;
  readonly initrd?: string;
  readonly dtb?: string;
  readonly watch?: true;
  /** A port of this machine, or true for the usual one. */
  readonly gdb?: number | true;
  readonly vscode?: true;
  readonly json?: true;
}

/** Somebody who sits at the console says when it is over. */
const INTERACTIVE_TIMEOUT = "24h";

/** What is run: a board and an image, or what the files of a project say of them. */
export interface RunSubject {
  readonly board: string;
  readonly image: string;
  readonly project?: Project;
}

/** @throws {FarmError} InvalidRequest, InvalidDocument, UnknownBoard */
export async function subjectOf(
  surroundings: Surroundings,
  board: string,
  image: string | undefined,
  { data }: RunOptions,
): Promise<RunSubject> {
  if (image !== undefined && !isFolder(resolve(surroundings.cwd, image))) {
    refuseSwapped(surroundings, board, image);
    return { board, image };
  }
  const { readProject } = await import("./project.ts");
  const project = await readProject(surroundings, image ?? board, image === undefined ? { data } : { board });
  return { board: project.board, image: project.image, project };
}

function refuseSwapped({ cwd }: Surroundings, board: string, image: string): void {
  const isThere = (name: string) => statSync(resolve(cwd, name), { throwIfNoEntry: false })?.isFile() ?? false;
  if (/\.ya?ml$/.test(board) || !isThere(board) || isThere(image)) return;
  const problems = `${board} is a file, and there is none named ${image}: the board comes first, emufarm run ${image} ${board}`;
  throw new FarmError("InvalidRequest", { problems });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The job of a run. @throws {FarmError} NotFound, InvalidRequest, InvalidDocument */
export async function requestOf(
  surroundings: Surroundings,
  { board, image, project }: RunSubject,
  options: RunOptions,
): Promise<RunRequest> {
  const { cwd } = surroundings;
  const read = (file: string) => readNamed(resolve(cwd, file), file);
  const { initrd, dtb, kernelAppend, scenario, expectText, failText, onReset, uart } = options;
  const [imageFile, initrdFile, dtbFile, steps] = await Promise.all([
    read(image),
    initrd === undefined ? undefined : read(initrd),
    dtb === undefined ? undefined : read(dtb),
    scenarioOf(surroundings, project, scenario),
  ]);
  const timeout = options.timeout ?? (options.interactive || options.gdb ? INTERACTIVE_TIMEOUT : undefined);
  const isLinux = initrdFile !== undefined || dtbFile !== undefined || kernelAppend !== undefined;
  return {
    board,
    image: imageFile,
    ...(initrdFile && { initrd: initrdFile }),
    ...(dtbFile && { dtb: dtbFile }),
    ...(uart !== undefined && { uart }),
    job: {
      firmware: {
        ...reference(imageFile),
        ...(isLinux && { format: "linux" }),
        ...(kernelAppend !== undefined && { append: kernelAppend }),
        ...(initrdFile && { initrd: reference(initrdFile) }),
        ...(dtbFile && { dtb: reference(dtbFile) }),
      },
      ...(steps && { scenario: steps }),
      ...(expectText !== undefined && { expectText }),
      ...(failText !== undefined && { failText }),
      ...(timeout !== undefined && { timeout }),
      ...(onReset !== undefined && { onReset }),
      ...(options.gdb !== undefined && { paused: true }),
      // A person who waits for one firmware wants to hear of a fault at once.
      priority: 10,
    },
  };
}

function reference({ sha256, name }: NamedBytes): { sha256: string; name: string } {
  return { sha256, name };
}

async function readNamed(path: string, asWritten: string): Promise<NamedBytes> {
  try {
    const bytes = await readFile(path);
    return { name: basename(path), sha256: createHash("sha256").update(bytes).digest("hex"), bytes };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT") throw new FarmError("NotFound", { kind: "file", name: asWritten }, { cause });
    throw new FarmError("InvalidRequest", { problems: `${asWritten} cannot be read (${code})` }, { cause });
  }
}

async function scenarioOf(
  surroundings: Surroundings,
  project: Project | undefined,
  file: string | undefined,
): Promise<Scenario | undefined> {
  if (project) return await (await import("./project.ts")).projectScenario(surroundings, project, file);
  if (file === undefined) return undefined;
  return await (await import("../farm/documents.ts")).readScenario(resolve(surroundings.cwd, file), file);
}

/** Why a run did not start: what is wrong in its scenario, with the place. */
export async function startProblem(
  surroundings: Surroundings,
  { project }: RunSubject,
  { scenario }: RunOptions,
  thrown: unknown,
): Promise<unknown> {
  if (project) return await (await import("./project.ts")).projectProblem(surroundings, project, thrown, scenario);
  if (scenario === undefined) return thrown;
  return await (await import("../farm/documents.ts")).scenarioProblem(
    thrown,
    resolve(surroundings.cwd, scenario),
    scenario,
  );
}
