import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type AgentClient, createAgentClient } from "../../client/agent-client.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { readyByHealth } from "../up/readiness.ts";
import { Supervised } from "../up/supervised.ts";
import { withFarmQemu } from "./emulator-path.ts";
import { makePrivateFolder } from "./private-folder.ts";

const STOP_GRACE_MS = 5_000;

export interface PrivateAgent extends AsyncDisposable {
  readonly client: AgentClient;
  /** Settles when the agent answers; rejects with ProcessStartFailed. */
  readonly ready: Promise<void>;
}

/** Starts an agent for one caller, with one slot, in a folder that goes with it. Settles before it is ready. */
export async function startPrivateAgent(surroundings: Surroundings): Promise<PrivateAgent> {
  await using cleanup = new AsyncDisposableStack();
  const folder = cleanup.use(await makePrivateFolder(surroundings));
  const token = randomBytes(32).toString("base64url");
  const tokenFile = join(folder.path, "token");
  await writeFile(tokenFile, token, { mode: 0o600 });
  const socketPath = join(folder.path, "agent.sock");
  const { cache } = farmFolders(surroundings);
  await mkdir(cache, { recursive: true });
  const agent = new Supervised(
    {
      name: "agent",
      command: surroundings.node,
      args: [surroundings.project.agentProgram],
      env: () => ({
        NODE_COMPILE_CACHE: join(cache, "node"),
        ...withFarmQemu(surroundings),
        EMUFARM_LISTEN: `unix:${socketPath}`,
        EMUFARM_TOKEN_FILE: tokenFile,
        EMUFARM_RUNTIME_DIR: join(folder.path, "a"),
        EMUFARM_DATA: join(folder.path, "data"),
        EMUFARM_CACHE: cache,
        EMUFARM_SLOTS: "1",
        // Its one caller has gone when it is to end.
        EMUFARM_GRACE_MS: "0",
      }),
      readiness: readyByHealth({ socketPath }),
      logFile: join(folder.path, "logs", "agent.log"),
    },
    // Its client tells when it is lost: what it ran is lost with it.
    { onStarted() {}, onLost() {} },
  );
  cleanup.defer(() => agent.stop(STOP_GRACE_MS));
  agent.start();
  const client = cleanup.use(createAgentClient({ address: `unix:${socketPath}`, token }));
  const kept = cleanup.move();
  return {
    client,
    ready: agent.ready,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
