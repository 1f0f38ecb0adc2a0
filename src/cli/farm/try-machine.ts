import type { AgentClient } from "../../client/agent-client.ts";
import type { ErrorBody } from "../../core/error/error-body.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import type { GuestExit } from "../../core/wire/attempt.ts";
import type { NamedBoard } from "./documents.ts";

const TIMEOUT_MS = 20_000;
const UID = "check";

/**
 * Makes the board's machine, without firmware and standing still: only the emulator knows whether it has that CPU, that
 * much memory and those options.
 * @returns what it says against the board; undefined where it takes it
 */
export async function tryMachine(
  agent: Pick<AgentClient, "events" | "putDesired" | "deleteInstance">,
  { name, spec }: NamedBoard,
): Promise<ErrorBody | undefined> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const wish = {
    uid: UID,
    tenant: UID,
    generation: 1,
    epoch: 1,
    boardName: name,
    board: spec,
    power: "On",
    isPaused: true,
  } as const;
  try {
    for await (const event of agent.events(signal)) {
      if (event.type === "hello") await agent.putDesired(wish, signal);
      if (event.type !== "instance" || event.instance.uid !== UID) continue;
      const { error, lastExit, isReady } = event.instance;
      if (error) return error;
      if (lastExit) return refused(lastExit);
      if (isReady) return undefined;
    }
    return undefined;
  } catch (error) {
    if (!signal.aborted) throw error;
    const detail = `its machine did not stand after ${TIMEOUT_MS / 1_000} s`;
    return new FarmError("EmulatorStartFailed", { detail }).toBody();
  } finally {
    await agent.deleteInstance(UID);
  }
}

function refused({ code = 1, detail, reason }: GuestExit): ErrorBody {
  return new FarmError("EmulatorRefused", { code, stderr: detail ?? reason }).toBody();
}
