import { FarmError } from "../core/error/farm-error.ts";
import { onParentEnd } from "../http/parent-process.ts";
import { createLog } from "../log/log.ts";
import { type ApiConfig, readConfig } from "./config.ts";

/** What cannot be ended in this time is left to the kernel. */
const END_WITHIN_MS = 8_000;

async function main(): Promise<void> {
  let config: ApiConfig;
  try {
    config = readConfig(process.env);
  } catch (error) {
    // Without settings there is no log either.
    process.stderr.write(`${FarmError.from(error).message}\n`);
    process.exitCode = 2;
    return;
  }
  const log = createLog({ name: config.role, level: config.logLevel });
  const { promise: ending, resolve: end } = Promise.withResolvers<string>();
  process.on("SIGTERM", () => end("SIGTERM"));
  process.on("SIGINT", () => end("SIGINT"));
  // Nothing may outlive whoever started this process.
  onParentEnd(process.stdin, () => end("end of standard input"));
  try {
    const resources = await start(config, log, end);
    log.info({ why: await ending }, "ending");
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    await resources[Symbol.asyncDispose]();
    process.exit(process.exitCode ?? 0);
  } catch (error) {
    const { code, message } = FarmError.from(error);
    log.fatal({ err: error, code }, message);
    process.exit(1);
  }
}

async function start(
  config: ApiConfig,
  log: ReturnType<typeof createLog>,
  end: (why: string) => void,
): Promise<AsyncDisposable> {
  if (config.role === "api") {
    const { startApi } = await import("./api-process.ts");
    return await startApi(config, log);
  }
  const { runDispatcher } = await import("./dispatcher-process.ts");
  const dispatcher = await runDispatcher(config, log);
  dispatcher.ended.catch((error: unknown) => {
    log.error({ err: error }, "the dispatcher has failed");
    process.exitCode = 1;
    end("failure");
  });
  return dispatcher;
}

await main();
