import { FarmError } from "../../core/error/farm-error.ts";
import { checkFirmware } from "../../core/firmware/check-firmware.ts";
import { refuseUnsupported } from "../../core/policy/refuse-unsupported.ts";
import { textChannels } from "../../core/policy/text-channels.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import { checkPatterns } from "../../pattern/check-patterns.ts";
import { compilePattern } from "../../pattern/pattern.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { FirmwareImport } from "../firmware/firmware-import.ts";

/** Checks jobs of one submission: what many of them share is looked at once. */
export interface JobCheck {
  /**
   * What is wrong with a job: UnknownBoard, FirmwareUnknown, Firmware..., NotSupportedByBoard, InvalidPattern.
   * @throws {FarmError} what is not the job's fault, such as StoreUnavailable
   */
  problem(job: JobSpec): Promise<FarmError | undefined>;
}

/** @param unavailable boards that cannot run here: their jobs are skipped, so that their images need not be there */
export function createJobCheck(
  boards: BoardRegistry,
  firmware: FirmwareImport,
  unavailable: ReadonlyMap<string, unknown>,
): JobCheck {
  const checked = new Map<string, Promise<void>>();

  /** The outcome of a check that other jobs share, good or bad. */
  function once(key: string, check: () => Promise<void>): Promise<void> {
    const known = checked.get(key);
    if (known) return known;
    const outcome = check();
    checked.set(key, outcome);
    return outcome;
  }

  async function checkImage({ board: boardName, firmware: reference }: JobSpec): Promise<void> {
    const { sha256, name = sha256, format, initrd, dtb } = reference;
    const board = boards.get(boardName).spec;
    const facts = await firmware.readFacts(sha256);
    const used = checkFirmware({ name, facts, format, boardName, board });
    if (initrd) await firmware.readFacts(initrd.sha256);
    if (dtb) await firmware.readFacts(dtb.sha256);
    if (used === "linux" && board.firmware.linux?.needsDtb && !dtb) {
      const problem = "the machine has none of its own; name one: firmware.dtb";
      throw new FarmError("NotSupportedByBoard", { what: "A kernel without device tree", board: boardName, problem });
    }
  }

  async function checkImageIfNeeded(job: JobSpec): Promise<void> {
    try {
      await checkImage(job);
    } catch (error) {
      // Nobody will run it: the job is skipped, and its reason is the board.
      const isExcused = unavailable.has(job.board) && error instanceof FarmError && error.code === "FirmwareUnknown";
      if (!isExcused) throw error;
    }
  }

  async function checkSteps({ scenario, board }: JobSpec): Promise<void> {
    if (!scenario) return;
    refuseUnsupported(scenario, { name: board, spec: boards.get(board).spec });
    checkPatterns(scenario);
  }

  function checkReady({ ready, board }: JobSpec): void {
    if (!ready) return;
    const names = textChannels(boards.get(board).spec);
    if (!names.includes(ready.uart)) {
      const problem = `its UARTs are ${names.join(", ")}`;
      throw new FarmError("NotSupportedByBoard", { what: `A ready pattern on ${ready.uart}`, board, problem });
    }
    compilePattern({ regex: ready.pattern });
  }

  async function check(job: JobSpec): Promise<void> {
    const board = boards.get(job.board).spec;
    // A job that is meant to be refused is taken: the agent's refusal is its verdict.
    if (job.expect?.verdict !== "errored") {
      const { sha256, name, format, initrd, dtb } = job.firmware;
      const key = JSON.stringify([job.board, sha256, name, format, initrd?.sha256, dtb?.sha256]);
      await once(key, () => checkImageIfNeeded(job));
      if (job.scenario) await once(`${job.board} ${JSON.stringify(job.scenario)}`, () => checkSteps(job));
      checkReady(job);
    }
    if (job.network !== "none" && !board.network) {
      const problem = "it has no network device";
      throw new FarmError("NotSupportedByBoard", { what: `Network ${job.network}`, board: job.board, problem });
    }
  }

  return {
    async problem(job) {
      try {
        await check(job);
        return undefined;
      } catch (error) {
        if (error instanceof FarmError && error.class === "job") return error;
        throw error;
      }
    },
  };
}
