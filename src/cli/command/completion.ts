import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { JobRecord, RunRecord } from "../../core/wire/farm.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { type CandidateKind, type Place, placeOf } from "./candidates.ts";

const SHELLS = ["bash", "zsh", "fish"];
/** A list that is longer helps nobody. */
const MOST_RUNS = 20;
const MOST_JOBS = 200;

/** Each asks the program itself what may stand where somebody types; where it knows nothing, files are offered. */
const SCRIPTS: Record<string, string> = {
  // Of the line, not of COMP_WORDS: bash cuts the latter at each colon of a URL.
  bash: `_emufarm() {
  local words
  read -a words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ "\${COMP_LINE:0:COMP_POINT}" == *[[:space:]] ]] && words+=("")
  words=("\${words[@]/#\\~\\//$HOME/}")
  COMPREPLY=($(compgen -W "$("$1" completion words -- "\${words[@]:1}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o bashdefault -o default -F _emufarm emufarm
`,
  zsh: `#compdef emufarm
_emufarm() {
  local -a found
  found=(\${(f)"$("\${words[1]}" completion words -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -- $found; else _files; fi
}
compdef _emufarm emufarm
`,
  fish: `complete -c emufarm -a "(emufarm completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)"
`,
};

/** `emufarm completion SHELL`; the scripts call `emufarm completion words -- WORD...`, which answers one a line. */
export async function completion(
  surroundings: Surroundings,
  shell: string,
  words: readonly string[],
  _options: unknown,
  command: Command,
): Promise<number> {
  const { stdout } = surroundings;
  if (shell === "words") {
    const found = await wordsFor(surroundings, command.parent ?? command, words);
    stdout.write(found.map((word) => `${word}\n`).join(""));
    return EXIT.passed;
  }
  const script = SCRIPTS[shell];
  if (script === undefined) {
    throw new FarmError("InvalidRequest", { problems: `there is no completion for ${shell}: bash, zsh or fish` });
  }
  stdout.write(script);
  return EXIT.passed;
}

async function wordsFor(surroundings: Surroundings, program: Command, words: readonly string[]): Promise<string[]> {
  const place = placeOf(program, words);
  const typed = words.at(-1) ?? "";
  if (place.type === "other") return [];
  const found =
    place.type === "words"
      ? place.words
      : (await Promise.all(place.kinds.map((kind) => wordsOf(surroundings, kind, place, typed)))).flat();
  return [...new Set(found)].filter((word) => word.startsWith(typed));
}

async function wordsOf(
  surroundings: Surroundings,
  kind: CandidateKind,
  { farm: options, operands }: Extract<Place, { type: "kinds" }>,
  typed: string,
): Promise<readonly string[]> {
  const own = join(farmFolders(surroundings, options.data).data, "boards");
  switch (kind) {
    case "shell":
      return SHELLS;
    case "listing":
      return ["runs", "jobs", "boards", "instances", "emu", "emupool", "brd", "cbrd", "all"];
    case "ownBoard":
      return await boardNames([own]);
    case "board":
      return await boardNames([surroundings.project.boardsFolder, own]);
    case "instance":
      return await instanceNames(surroundings, options);
    case "position":
      return ["on", "off", "cycle"];
    case "propertyAction":
      return ["list", "get", "set"];
    case "propertyPath":
    case "propertyName":
      return await propertyWords(surroundings, kind, options, operands, typed);
    case "gpioAction":
      return ["list", "watch", "set", "pulse"];
    case "gpioLine":
      return await gpioWords(surroundings, options, operands);
    case "running":
      return [...(await instanceNames(surroundings, options)), ...(await idsOf(surroundings, kind, options, typed))];
    case "run":
    case "job":
    case "unfinished":
      return await idsOf(surroundings, kind, options, typed);
  }
}

/** Of the farm that is up here, or of the cluster that the kubeconfig names. */
async function instanceNames(surroundings: Surroundings, options: FarmOptions): Promise<string[]> {
  try {
    const { openInstancePlace } = await import("../instance/instance-place.ts");
    await using place = await openInstancePlace(surroundings, options);
    return (await place.list()).map(({ metadata }) => metadata.name ?? "");
  } catch (error) {
    // As below: where nothing answers, there is nothing to offer.
    if (error instanceof FarmError) return [];
    throw error;
  }
}

/** Asked of the board itself: what it has is known to its emulator alone. */
async function propertyWords(
  surroundings: Surroundings,
  kind: "propertyPath" | "propertyName",
  options: FarmOptions,
  [name = "", action, path = ""]: readonly string[],
  typed: string,
): Promise<string[]> {
  try {
    const [{ openTarget }, words] = await Promise.all([
      import("../channel/open-target.ts"),
      import("../qmp/property-words.ts"),
    ]);
    await using target = await openTarget(surroundings, name, options);
    if (kind === "propertyPath") return await words.pathsFrom(target, typed);
    return await words.namesOf(target, path, action === "set");
  } catch (error) {
    // As below: a board that is off, or gone, has no properties.
    if (error instanceof FarmError) return [];
    throw error;
  }
}

/** Lines by the names that people give them, and by those of their ports. */
async function gpioWords(
  surroundings: Surroundings,
  options: FarmOptions,
  [name = ""]: readonly string[],
): Promise<string[]> {
  try {
    const [{ openTarget }, { GpioLines }] = await Promise.all([
      import("../channel/open-target.ts"),
      import("../../core/gpio/gpio-line.ts"),
    ]);
    await using target = await openTarget(surroundings, name, options);
    const { name: board, spec } = await target.board();
    return new GpioLines(board, spec.gpio).all.flatMap((line) => [line.label ?? [], line.name].flat());
  } catch (error) {
    // As above: where nothing answers, there is nothing to offer.
    if (error instanceof FarmError) return [];
    throw error;
  }
}

async function idsOf(
  surroundings: Surroundings,
  kind: "run" | "job" | "running" | "unfinished",
  options: FarmOptions,
  typed: string,
): Promise<string[]> {
  try {
    await using farm = await connectFarm(surroundings, options);
    const runs = await farm.runs({ limit: MOST_RUNS });
    if (kind === "run") return runs.map(({ id }) => id);
    const isLive = kind !== "job";
    const some = isLive ? runs.filter(({ finishedAt }) => finishedAt === undefined) : runs;
    const jobs = await jobsOf(farm, some, typed, ({ state }) => kind === "job" || isWanted(state, kind));
    return kind === "unfinished" ? [...some.map(({ id }) => id), ...jobs] : jobs;
  } catch (error) {
    // Without a farm there are no ids, and a key press is no place for words about it.
    if (error instanceof FarmError) return [];
    throw error;
  }
}

function isWanted(state: JobRecord["state"], kind: "running" | "unfinished"): boolean {
  return kind === "running" ? state === "running" : state !== "finished";
}

/** Jobs of the newest runs first; of the run alone that has been typed. */
async function jobsOf(
  farm: FarmClient,
  runs: readonly RunRecord[],
  typed: string,
  isAsked: (job: JobRecord) => boolean,
): Promise<string[]> {
  const ids: string[] = [];
  for (const { id } of runs) {
    if (!id.startsWith(typed.slice(0, id.length))) continue;
    for await (const job of farm.jobs(id)) {
      if (isAsked(job)) ids.push(job.id);
      if (ids.length >= MOST_JOBS) return ids;
    }
  }
  return ids;
}

/** From the names of the files: a key press cannot wait for each to be read. */
async function boardNames(folders: readonly string[]): Promise<string[]> {
  const names = await Promise.all(
    // A farm that was never up has no folder of its own boards.
    folders.map((folder) => readdir(folder).catch(() => [])),
  );
  const boards = names.flat().filter((name) => /\.ya?ml$/.test(name));
  return [...new Set(boards.map((name) => name.replace(/\.ya?ml$/, "")))].sort();
}
