import { FarmError } from "../../core/error/farm-error.ts";
import { checkFirmware } from "../../core/firmware/check-firmware.ts";
import { refuseUnsupported } from "../../core/policy/refuse-unsupported.ts";
import type { JobSpec } from "../../core/schema/job.ts";
import { checkPatterns } from "../../pattern/check-patterns.ts";
import { compilePattern } from "../../pattern/pattern.ts";
import type { BoardRegistry } from "../board/board-registry.ts";
import type { FirmwareImport } from "../firmware/firmware-import.ts";

/** Checks jobs of one submission: what many of them share is looked at once. */
export interface JobCheck {
  /** @throws {FarmError} UnknownBoard, FirmwareUnknown, Firmware..., NotSupportedByBoard, InvalidPattern */
  check(job: JobSpec): Promise<void>;
}

export function createJobCheck(boards: BoardRegistry, firmware: FirmwareImport): JobCheck {
  const checked = new Set<string>();

  async function checkImage(job: JobSpec): Promise<void> {
    const { sha256, name = sha256, format, initrd, dtb } = job.firmware;
    const key = [job.board, sha256, format, initrd?.sha256, dtb?.sha256].join(" ");
    if (checked.has(key)) return;
    const board = boards.get(job.board).spec;
    const facts = await firmware.readFacts(sha256);
    const used = checkFirmware({ name, facts, format, boardName: job.board, board });
    if (initrd) await firmware.readFacts(initrd.sha256);
    if (dtb) await firmware.readFacts(dtb.sha256);
    if (used === "linux" && board.firmware.linux?.needsDtb && !dtb) {
      const problem = "the machine has none of its own; name one: firmware.dtb";
      throw new FarmError("NotSupportedByBoard", { what: "A kernel without device tree", board: job.board, problem });
    }
    checked.add(key);
  }

  function checkSteps({ scenario, board }: JobSpec): void {
    if (!scenario) return;
    const key = `${board} ${JSON.stringify(scenario)}`;
    if (checked.has(key)) return;
    refuseUnsupported(scenario, { name: board, spec: boards.get(board).spec });
    checkPatterns(scenario);
    checked.add(key);
  }

  function checkReady({ ready, board }: JobSpec): void {
    if (!ready) return;
    const names = boards.get(board).spec.uarts.map(({ name }) => name);
    if (!names.includes(ready.uart)) {
      const problem = `its UARTs are ${names.join(", ")}`;
      throw new FarmError("NotSupportedByBoard", { what: `A ready pattern on ${ready.uart}`, board, problem });
    }
    compilePattern({ regex: ready.pattern });
  }

  return {
    async check(job) {
      const board = boards.get(job.board).spec;
      // A job that is meant to be refused is taken: the agent's refusal is its verdict.
      if (job.expect?.verdict !== "errored") {
        await checkImage(job);
        checkSteps(job);
        checkReady(job);
      }
      if (job.network !== "none" && !board.network) {
        const problem = "it has no network device";
        throw new FarmError("NotSupportedByBoard", { what: `Network ${job.network}`, board: job.board, problem });
      }
    },
  };
}
