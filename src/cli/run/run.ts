import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { EXIT, exitCodeOfVerdict } from "../exit-code.ts";
import { findFarm } from "../farm/find-farm.ts";
import { followUp } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import { tellInterruption } from "../interruption.ts";
import type { Surroundings } from "../surroundings.ts";
import { isBoardFile } from "./board-argument.ts";
import type { GuestRun, NamedBytes, Outcome, RunPlace, RunRequest, SaveArtifact } from "./run-place.ts";
import { openSerialLog, type SerialLog } from "./serial-log.ts";
import { Words } from "./words.ts";

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
  readonly json?: true;
}

/** Somebody who sits at the console says when it is over. */
const INTERACTIVE_TIMEOUT = "24h";

/** `emufarm run`: one firmware, one verdict; to be put where bare QEMU stood. */
export async function run(
  surroundings: Surroundings,
  board: string,
  image: string,
  options: RunOptions,
): Promise<number> {
  const words = new Words(surroundings);
  await using place = await findPlace(surroundings, board, options, words);
  const once = () => runOnce(surroundings, place, board, image, options, words);
  if (!options.watch) return await once();
  const { watchImage } = await import("./watch.ts");
  return await watchImage(surroundings, resolve(surroundings.cwd, image), once);
}

/** A running farm where there is one that has the board; else an agent of this call's own. */
async function findPlace(
  surroundings: Surroundings,
  board: string,
  options: RunOptions,
  words: Words,
): Promise<RunPlace> {
  const { farm } = options;
  const isFile = isBoardFile(board);
  const isCluster = isClusterWanted(surroundings, options);
  if (isCluster && farm === false) {
    throw new FarmError("InvalidRequest", { problems: "--no-farm and a cluster exclude each other" });
  }
  if (isFile && (isCluster || typeof farm === "string")) {
    const add = followUp(surroundings, wayOf(options), ["boards", "add", board]);
    const problem = `the farm${typeof farm === "string" ? ` at ${farm}` : ""} knows boards by name; add yours first: ${add}`;
    throw new FarmError("InvalidRequest", { problems: problem });
  }
  const wantsFarm = farm !== false && !isFile;
  const address = wantsFarm ? await findFarm(surroundings, wayOf(options)) : undefined;
  if (address) return (await import("./on-farm.ts")).onFarm(address, (text) => words.say(text));
  return (await import("./on-agent.ts")).onPrivateAgent(surroundings, options.data);
}

async function runOnce(
  surroundings: Surroundings,
  place: RunPlace,
  board: string,
  image: string,
  options: RunOptions,
  words: Words,
): Promise<number> {
  const { interrupted, stdout, stderr } = surroundings;
  interrupted.throwIfAborted();
  await using log =
    options.serialLogFile === undefined
      ? undefined
      : await openSerialLog(resolve(surroundings.cwd, options.serialLogFile), options.serialLogFile);
  const guest = await start(surroundings, place, await requestOf(surroundings, board, image, options), options);
  using _telling = tellInterruption(interrupted, (text) => words.say(text), "stopping the guest");
  const cancel = () => {
    // Whoever waits for the outcome sees it: the guest's end, or that the farm cannot be reached.
    guest.cancel("interrupted by the caller").catch(() => {});
  };
  interrupted.addEventListener("abort", cancel, { once: true });
  if (interrupted.aborted) cancel();
  try {
    let isLeft = false;
    const leave = () => {
      isLeft = true;
      // Whoever waits for the outcome sees it, as above.
      guest.cancel("ended by Ctrl-A x").catch(() => {});
    };
    if (options.interactive && surroundings.stdin.isTTY) words.say("Ctrl-A x ends");
    const outcome = await withInput(surroundings, guest, options, leave, async () => {
      await copyOutput(guest.output(), options.json ? stderr : stdout, log, words);
      return guest.outcome(saveInto(surroundings, options.artifacts));
    });
    const { tell } = await import("./tell.ts");
    const told = { board, image, isLeft, way: wayOf(options), ...logOf(options) };
    await tell(surroundings, words, outcome, options.json ? { ...told, json: true } : told);
    if (interrupted.aborted) return EXIT.interrupted;
    return exitCodeOf(outcome, options);
  } finally {
    interrupted.removeEventListener("abort", cancel);
  }
}

async function start(
  { cwd }: Surroundings,
  place: RunPlace,
  request: RunRequest,
  { scenario }: RunOptions,
): Promise<GuestRun> {
  try {
    return await place.start(request);
  } catch (error) {
    if (scenario === undefined) throw error;
    const { scenarioProblem } = await import("../farm/documents.ts");
    throw await scenarioProblem(error, resolve(cwd, scenario), scenario);
  }
}

function exitCodeOf({ verdict, error, result }: Outcome, options: RunOptions): number {
  const guestCode = result?.exit?.code;
  if (options.exitCode === "guest" && guestCode !== undefined) return guestCode;
  return exitCodeOfVerdict(verdict, error, options.timeoutExitCode);
}

function wayOf({ farm, tokenFile, data, context, namespace, kubeconfig }: RunOptions): FarmOptions {
  return {
    ...(typeof farm === "string" && { farm }),
    ...(context !== undefined && { context }),
    ...(namespace !== undefined && { namespace }),
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(tokenFile !== undefined && { tokenFile }),
    ...(data !== undefined && { data }),
  };
}

function logOf({ serialLogFile }: RunOptions): { logFile?: string } {
  return serialLogFile === undefined ? {} : { logFile: serialLogFile };
}

/** Undefined where nobody wants them. */
function saveInto({ cwd }: Surroundings, folder: string | undefined): SaveArtifact | undefined {
  if (folder === undefined) return undefined;
  return async (name, bytes) => {
    const { saveArtifact } = await import("../farm/save-artifact.ts");
    await saveArtifact(resolve(cwd, folder), name, bytes);
  };
}

async function copyOutput(
  output: AsyncIterable<Buffer>,
  screen: NodeJS.WritableStream,
  log: SerialLog | undefined,
  words: Words,
): Promise<void> {
  for await (const chunk of output) {
    words.noteOutput(chunk);
    const drained = screen.write(chunk) ? undefined : once(screen, "drain");
    await log?.write(chunk);
    await drained;
  }
}

async function withInput(
  surroundings: Surroundings,
  guest: GuestRun,
  options: RunOptions,
  leave: () => void,
  use: () => Promise<Outcome>,
): Promise<Outcome> {
  if (!options.interactive) return use();
  const { joinInput } = await import("../screen/keyboard.ts");
  using _input = joinInput(surroundings.stdin, guest.openInput(), leave);
  return await use();
}

async function requestOf(
  { cwd }: Surroundings,
  board: string,
  image: string,
  options: RunOptions,
): Promise<RunRequest> {
  const read = (file: string) => readNamed(resolve(cwd, file), file);
  const { initrd, dtb, kernelAppend, scenario, expectText, failText, onReset, uart } = options;
  const [imageFile, initrdFile, dtbFile, steps] = await Promise.all([
    read(image),
    initrd === undefined ? undefined : read(initrd),
    dtb === undefined ? undefined : read(dtb),
    scenario === undefined
      ? undefined
      : import("../farm/documents.ts").then(({ readScenario }) => readScenario(resolve(cwd, scenario), scenario)),
  ]);
  const timeout = options.timeout ?? (options.interactive ? INTERACTIVE_TIMEOUT : undefined);
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
