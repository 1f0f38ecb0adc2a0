/**
 * A process that stands for leader and, while it leads, writes its epoch into a ConfigMap again and again. One that is
 * told to freeze stops itself where it hurts most: it has decided on writes, and some are on their way.
 */
import { argv, kill, pid, stdout } from "node:process";
import { setTimeout } from "node:timers/promises";
import { pino } from "pino";
import { Registry } from "prom-client";
import { createKubeClient } from "../../src/kube/create-kube-client.ts";
import { createKubeMetrics } from "../../src/kube/kube-metrics.ts";
import { runLeaderElection } from "../../src/kube/leader-election.ts";
import { CONFIG_MAPS } from "./fake-api-server.ts";

const [, , kubeconfigFile = "", identity = "", freezes = ""] = argv;
const metrics = createKubeMetrics(new Registry());
const client = createKubeClient({ source: { kubeconfigFile }, metrics, userAgent: identity });
const tell = (line: object) => stdout.write(`${JSON.stringify({ identity, ...line })}\n`);

await runLeaderElection({
  client,
  namespace: "default",
  name: "writers",
  identity,
  leaseMs: 3_000,
  renewMs: 2_000,
  retryMs: 400,
  signal: new AbortController().signal,
  log: pino({ level: "silent" }),
  metrics,
  async lead({ epoch, client: fenced, signal }) {
    tell({ leads: epoch });
    const write = () =>
      fenced.patch(CONFIG_MAPS, "written", "default", { data: { epoch: `${epoch}`, at: `${performance.now()}` } });
    try {
      for (let writes = 0; !signal.aborted; writes += 1) {
        await write();
        if (writes === 20 && freezes === "freezes") {
          const decided = [write(), write(), write()];
          tell({ freezes: epoch });
          kill(pid, "SIGSTOP");
          decided.push(write());
          const results = await Promise.allSettled(decided);
          tell({ written: results.filter(({ status }) => status === "fulfilled").length });
        }
        await setTimeout(5);
      }
    } finally {
      tell({ stopped: epoch });
    }
  },
});
