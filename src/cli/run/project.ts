import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { Diagram } from "../../core/diagram/diagram.ts";
import { diagramParts } from "../../core/diagram/diagram-board.ts";
import { projectFile } from "../../core/diagram/diagram-file.ts";
import { partKind } from "../../core/diagram/part-kinds.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Scenario } from "../../core/schema/scenario.ts";
import { parseToml } from "../../document/parse-toml.ts";
import { readDiagramBeside } from "../farm/diagram-beside.ts";
import { readAllBoards, readScenario, scenarioProblem } from "../farm/documents.ts";
import type { Surroundings } from "../surroundings.ts";

const PROJECT = "wokwi.toml";

/** A project of the simulator: a folder with a wokwi.toml. */
export interface Project {
  readonly board: string;
  readonly image: string;
  /** As the caller wrote it. */
  readonly folder: string;
  readonly diagram?: Diagram;
}

/**
 * The folder of a project: its wokwi.toml says which image, and its diagram.json which board, unless that is given.
 * @throws {FarmError} InvalidRequest, InvalidDocument, UnknownBoard
 */
export async function readProject(
  surroundings: Surroundings,
  folder: string,
  { board, data }: { readonly board?: string; readonly data?: string | undefined },
): Promise<Project> {
  const file = join(folder, PROJECT);
  const path = resolve(surroundings.cwd, file);
  if (!existsSync(path)) {
    if (!existsSync(resolve(surroundings.cwd, folder))) {
      const problems = `an image is missing, or ${folder} is not the folder of a project: emufarm run BOARD IMAGE`;
      throw new FarmError("InvalidRequest", { problems });
    }
    const problems = `${folder} has no ${PROJECT}: emufarm run takes a board and an image, or the folder of a project`;
    throw new FarmError("InvalidRequest", { problems });
  }
  const { wokwi } = parseToml(await readFile(path, "utf8"), projectFile, { file });
  const diagram = await readDiagramBeside(path, file);
  return {
    board: board ?? (await boardOf(surroundings, folder, diagram, data)),
    image: isAbsolute(wokwi.firmware) ? wokwi.firmware : join(folder, wokwi.firmware),
    folder,
    ...(diagram && { diagram }),
  };
}

/** The scenario of a project's run: the project's circuit belongs to it, wherever its file is. */
export async function projectScenario(
  { cwd }: Surroundings,
  { folder, diagram }: Project,
  file: string | undefined,
): Promise<Scenario | undefined> {
  if (file === undefined) return diagram && { version: 1, steps: [], fail: [], monitors: [], diagram };
  const place = fileOf(cwd, folder, file);
  const read = await readScenario(resolve(cwd, place), place);
  return read.diagram || !diagram ? read : { ...read, diagram };
}

/** What somebody found wrong in the scenario of a project's run, with its file and the place in it. */
export async function projectProblem({ cwd }: Surroundings, { folder }: Project, thrown: unknown, file?: string) {
  const isDrawn = thrown instanceof FarmError && String(thrown.details.place).split(".")[0] === "diagram";
  const place = isDrawn || file === undefined ? join(folder, PROJECT) : fileOf(cwd, folder, file);
  return await scenarioProblem(thrown, resolve(cwd, place), place);
}

/** A scenario is named from here, or from its project's folder. */
function fileOf(cwd: string, folder: string, file: string): string {
  return existsSync(resolve(cwd, file)) ? file : join(folder, file);
}

async function boardOf(
  surroundings: Surroundings,
  folder: string,
  diagram: Diagram | undefined,
  data: string | undefined,
): Promise<string> {
  const types = (diagram?.parts ?? []).map(({ type }) => type).filter((type) => partKind(type) === undefined);
  const boards = (await readAllBoards(surroundings, data)).filter(({ name, spec }) =>
    diagramParts(name, spec).some((type) => types.includes(type)),
  );
  const [board, other] = boards;
  const choose = ` Choose one: emufarm run BOARD ${folder}`;
  if (!board) throw new FarmError("UnknownBoard", { board: `of type ${types.join(" or ") || "none"}`, hint: choose });
  if (!other) return board.name;
  const problems = `${types.join(" and ")} in its diagram may be ${boards.map(({ name }) => name).join(" or ")}.${choose}`;
  throw new FarmError("InvalidRequest", { problems });
}
