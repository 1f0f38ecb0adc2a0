import { FarmError } from "../../core/error/farm-error.ts";
import type { BoardCheck } from "../../core/wire/agent-info.ts";
import { readAllBoards } from "../farm/documents.ts";
import { type EmulatorPlace, usedFarmQemu } from "../farm/emulator-path.ts";
import { startPrivateAgent } from "../farm/private-agent.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Finding } from "./finding.ts";

interface CheckedBoard {
  readonly name: string;
  readonly binary: string;
  readonly check: BoardCheck;
}

/** Every emulator that a board asks for, and what confines it here; asked of an agent, which is what would run it. */
export async function emulatorFindings(surroundings: Surroundings, { data }: FarmOptions): Promise<Finding[]> {
  try {
    const boards = await readAllBoards(surroundings, data);
    await using agent = await startPrivateAgent(surroundings);
    await agent.ready;
    const checked = await Promise.all(
      boards.map(async ({ name, spec }) => ({
        name,
        binary: spec.emulator.binary,
        check: await agent.client.checkBoard(name, spec),
      })),
    );
    const { slotIsolation } = await agent.client.info();
    const byBinary = Map.groupBy(checked, ({ binary }) => binary);
    return [...[...byBinary].flatMap(([binary, its]) => binaryFindings(binary, its)), limitsFinding(slotIsolation)];
  } catch (error) {
    return [{ level: "fail", subject: "agent", text: FarmError.from(error).message }];
  }
}

/** The farm's own QEMU: built from the present sources, out of date, or not built, which costs speed alone. */
export function farmQemuFinding(surroundings: EmulatorPlace): Finding {
  const subject = "own QEMU";
  const advice = "npm run qemu (once, for about ten minutes)";
  const found = usedFarmQemu(surroundings);
  switch (found?.state) {
    case undefined:
      return { level: "ok", subject, text: "not used, as EMUFARM_QEMU=stock says" };
    case "ready":
      return { level: "ok", subject, text: `${found.manifest.version}, built in ${found.folder}` };
    case "absent":
      return { level: "ok", subject, text: "not built: jobs run on stock QEMU, more slowly", advice };
    case "refused":
      return { level: "warn", subject, text: `out of date, and not used: ${found.problem}`, advice };
  }
}

function binaryFindings(binary: string, boards: readonly CheckedBoard[]): Finding[] {
  const subject = binary.replace(/^qemu-system-/, "");
  // The farm's own QEMU runs some boards, and the distribution's the others.
  const emulators = Map.groupBy(
    boards.flatMap(({ check }) => (check.isAvailable ? [check.emulator] : [])),
    ({ version, hasSandbox }) => `${version} ${hasSandbox}`,
  );
  const findings = [...emulators.values()].flatMap((its): Finding[] => {
    const [one] = its;
    if (!one) return [];
    const text = `${binary} ${one.version}: ${its.length} of ${boards.length} boards`;
    return one.hasSandbox
      ? [{ level: "ok", subject, text: `${text}, confined by seccomp` }]
      : [{ level: "warn", subject, text: `${text}; built without a sandbox: run firmware that you trust` }];
  });
  return [...findings, ...missingFindings(subject, boards)];
}

/** Boards that lack the same are told together. */
function missingFindings(subject: string, boards: readonly CheckedBoard[]): Finding[] {
  const missing = boards.flatMap(({ name, check }) => {
    if (check.isAvailable) return [];
    const { message, details } = check.error;
    const problem = check.error.code === "BoardUnavailable" ? `${details.problem}.` : message;
    return [{ name, problem }];
  });
  return [...Map.groupBy(missing, ({ problem }) => problem)].map(([problem, its]) => ({
    level: "warn" as const,
    subject,
    text: `${its.map(({ name }) => name).join(", ")}: ${problem}`,
  }));
}

function limitsFinding(isolation: "uid" | "none"): Finding {
  const users = isolation === "uid" ? "each slot has a user id of its own" : "slots share your user id";
  return { level: "ok", subject: "limits", text: `memory and files of each emulator are limited by rlimits; ${users}` };
}
