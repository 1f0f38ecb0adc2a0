/** The operator as a process of its own, that a test can kill; with a lease that is soon given up. */
import { createLog } from "../../src/log/log.ts";
import { readConfig } from "../../src/operator/config.ts";
import { startOperator } from "../../src/operator/operator.ts";

const log = createLog({ name: "operator", level: "info" });
await startOperator(readConfig(process.env), log, { election: { leaseMs: 1_500, renewMs: 1_000, retryMs: 150 } });
