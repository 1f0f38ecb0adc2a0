import { once } from "node:events";
import { resolve } from "node:path";
import { FarmError } from "../../core/error/farm-error.ts";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import { EXIT, exitCodeOfVerdict } from "../exit-code.ts";
import { findFarm } from "../farm/find-farm.ts";
import { followUp } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import { tellInterruption } from "../interruption.ts";
import type { Surroundings } from "../surroundings.ts";
import { isBoardFile } from "./board-argument.ts";
import type { GuestRun, Outcome, RunPlace, SaveArtifact } from "./run-place.ts";
import { type RunOptions, type RunSubject, requestOf, startProblem, subjectOf } from "./run-request.ts";
import { openSerialLog, type SerialLog } from "./serial-log.ts";
import { Words } from "./words.ts";

/** `emufarm run`: one firmware, one verdict; to be put where bare QEMU stood. */
export async function run(
  surroundings: Surroundings,
  board: string,
  image: string | undefined,
  options: RunOptions,
): Promise<number> {
  const words = new Words(surroundings);
  const subject = await subjectOf(surroundings, board, image, options);
  if (options.vscode) return await printLaunch(surroundings, subject, options);
  await using place = await findPlace(surroundings, subject.board, options, words);
  const once = () => runOnce(surroundings, place, subject, options, words);
  if (!options.watch) return await once();
  const { watchImage } = await import("./watch.ts");
  return await watchImage(surroundings, resolve(surroundings.cwd, subject.image), once);
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
  subject: RunSubject,
  options: RunOptions,
  words: Words,
): Promise<number> {
  const { board, image } = subject;
  const { interrupted, stdout, stderr } = surroundings;
  interrupted.throwIfAborted();
  await using log =
    options.serialLogFile === undefined
      ? undefined
      : await openSerialLog(resolve(surroundings.cwd, options.serialLogFile), options.serialLogFile);
  const guest = await start(surroundings, place, subject, options);
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
    await using _debugging =
      options.gdb === undefined ? undefined : await awaitDebugger(surroundings, guest, subject, options);
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
  surroundings: Surroundings,
  place: RunPlace,
  subject: RunSubject,
  options: RunOptions,
): Promise<GuestRun> {
  const request = await requestOf(surroundings, subject, options);
  try {
    return await place.start(request);
  } catch (error) {
    throw await startProblem(surroundings, subject, options, error);
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

async function printLaunch(surroundings: Surroundings, subject: RunSubject, options: RunOptions): Promise<number> {
  const { launchOfRun } = await import("../gdb/launch-json.ts");
  surroundings.stdout.write(await launchOfRun(surroundings, subject, options));
  return EXIT.passed;
}

async function awaitDebugger(
  surroundings: Surroundings,
  guest: GuestRun,
  { image }: RunSubject,
  { gdb }: RunOptions,
): Promise<AsyncDisposable | undefined> {
  const { offerGdb } = await import("../gdb/offer-gdb.ts");
  return await offerGdb(surroundings, guest, { image, ...(typeof gdb === "number" && { port: gdb }) });
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
