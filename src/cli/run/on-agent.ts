import type { AttemptResult, AttemptSpecInput } from "../../core/wire/attempt.ts";
import { chooseUart } from "../channel/target.ts";
import type { PrivateAgent } from "../farm/private-agent.ts";
import { startPrivateAgent } from "../farm/private-agent.ts";
import type { Surroundings } from "../surroundings.ts";
import type { GuestRun, NamedBytes, RunPlace } from "./run-place.ts";

/**
 * Runs firmware on an agent that is started for this call, and goes with it.
 * @param data folder of the farm whose boards are known here as well
 */
export async function onPrivateAgent(surroundings: Surroundings, data?: string): Promise<RunPlace> {
  const agent = await startPrivateAgent(surroundings);
  let runs = 0;
  return {
    async start(request) {
      // Read while the agent starts: its other half of the time goes to another processor.
      const [board] = await Promise.all([
        import("../farm/documents.ts").then(({ findBoard }) => findBoard(surroundings, request.board, data)),
        agent.ready,
      ]);
      const uart = await chooseUart({ board: async () => board }, request.uart);
      const files = [request.image, request.initrd, request.dtb].filter((file) => file !== undefined);
      await Promise.all(files.map((file: NamedBytes) => agent.client.putFirmware(file.sha256, file.bytes)));
      const { priority: _priority, pool: _pool, ...options } = request.job;
      const spec: AttemptSpecInput = { ...options, tenant: "local", boardName: board.name, board: board.spec };
      return startAttempt(agent, `run-${++runs}.1`, spec, uart);
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

async function startAttempt(agent: PrivateAgent, id: string, spec: AttemptSpecInput, uart: string): Promise<GuestRun> {
  const { client } = agent;
  const running = Promise.withResolvers<boolean>();
  const finished = Promise.withResolvers<AttemptResult>();
  // Told to whoever waits for it.
  finished.promise.catch(() => {});
  const listening = new AbortController();
  const listen = async () => {
    for await (const event of client.events(listening.signal)) {
      const known = event.type === "hello" ? event.attempts.find((attempt) => attempt.id === id) : undefined;
      if (known?.state === "running" || (event.type === "attemptRunning" && event.id === id)) running.resolve(true);
      const result = event.type === "attemptFinished" && event.id === id ? event.result : known?.result;
      if (result === undefined) continue;
      running.resolve(false);
      finished.resolve(result);
      listening.abort();
    }
  };
  await client.putAttempt(id, spec);
  listen().catch((error: unknown) => {
    running.resolve(false);
    finished.reject(error);
  });
  return {
    output: () => client.log({ attempt: id }, uart, { isFollowed: true }),
    async openInput() {
      if (!(await running.promise)) return undefined;
      const socket = await client.openConsole({ attempt: id }, uart, () => {});
      return { write: (bytes) => socket.send(bytes), [Symbol.dispose]: () => socket.close() };
    },
    openChannels: async () => ((await running.promise) ? client.channels({ attempt: id }) : undefined),
    async outcome(save) {
      const result = await finished.promise;
      for (const { name } of result.artifacts ?? []) await save?.(name, client.artifact(id, name));
      await client.acknowledge([id]);
      return { verdict: result.verdict, error: result.error, result, isFlaky: false };
    },
    async cancel(reason) {
      await client.cancelAttempt(id, reason);
    },
  };
}
