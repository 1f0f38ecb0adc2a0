import { FarmError } from "../core/error/farm-error.ts";
import { onParentEnd } from "../http/parent-process.ts";
import { createLog } from "../log/log.ts";
import { startAgent } from "./agent.ts";
import { type AgentConfig, readConfig } from "./config.ts";

/** What an agent that lost its parent may take to end: nobody waits for it. */
const ORPHAN_GRACE_MS = 0;

async function main(): Promise<void> {
  let config: AgentConfig;
  try {
    config = readConfig(process.env);
  } catch (error) {
    process.stderr.write(`${FarmError.from(error).message}\n`);
    process.exit(2);
  }
  const log = createLog({ name: "agent", level: config.logLevel });
  const agent = await startAgent(config, log, process.stdout);
  let isStopping = false;
  const stop = async (why: string, graceMs: number) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ why, graceMs }, "agent stops");
    await agent.stop(graceMs);
    process.exit(0);
  };
  const stopOrFail = (why: string, graceMs: number) => {
    stop(why, graceMs).catch((error) => {
      log.fatal({ err: error }, "agent could not stop in order");
      process.exit(1);
    });
  };
  process.on("SIGTERM", () => stopOrFail("SIGTERM", config.graceMs));
  process.on("SIGINT", () => stopOrFail("SIGINT", config.graceMs));
  onParentEnd(process.stdin, () => stopOrFail("standard input closed", ORPHAN_GRACE_MS));
}

main().catch((error) => {
  process.stderr.write(`${FarmError.from(error).message}\n`);
  process.exit(1);
});
