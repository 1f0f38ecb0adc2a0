import { FarmError } from "../core/error/farm-error.ts";
import { createLog } from "../log/log.ts";
import { type OperatorConfig, readConfig } from "./config.ts";
import { startOperator } from "./operator.ts";

/** What cannot be ended in this time is left to the next leader. */
const END_WITHIN_MS = 15_000;

async function main(): Promise<void> {
  let config: OperatorConfig;
  try {
    config = readConfig(process.env);
  } catch (error) {
    // Without settings there is no log either.
    process.stderr.write(`${FarmError.from(error).message}\n`);
    process.exitCode = 2;
    return;
  }
  const log = createLog({ name: "operator", level: config.logLevel });
  const { promise: ending, resolve: end } = Promise.withResolvers<string>();
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
  try {
    const operator = await startOperator(config, log);
    operator.ended.catch((error: unknown) => {
      log.error({ err: error }, "the operator has failed");
      process.exitCode = 1;
      end("failure");
    });
    log.info({ why: await ending }, "ending");
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    await operator[Symbol.asyncDispose]();
    process.exit(process.exitCode ?? 0);
  } catch (error) {
    const { code, message } = FarmError.from(error);
    log.fatal({ err: error, code }, message);
    process.exit(1);
  }
}

await main();
