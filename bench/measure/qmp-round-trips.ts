import type { Socket } from "node:net";

const REQUEST = '{"execute":"query-status"}\n';

/** A client of QMP that measures, with its negotiation behind it. */
export interface QmpMeter {
  /** Milliseconds of each of so many commands, with `depth` of them under way. */
  roundTrips(samples: number, depth?: number): Promise<number[]>;
}

/** @param socket one that has just been connected */
export async function openQmpMeter(socket: Socket): Promise<QmpMeter> {
  const waiting: PromiseWithResolvers<void>[] = [];
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith('{"return"')) waiting.shift()?.resolve();
      if (line.startsWith('{"error"')) waiting.shift()?.reject(new Error(line));
    }
  });
  const ask = (request: string) => {
    const answer = Promise.withResolvers<void>();
    waiting.push(answer);
    socket.write(request);
    return answer.promise;
  };
  await ask('{"execute":"qmp_capabilities"}\n');
  return {
    async roundTrips(samples, depth = 1) {
      const times: number[] = [];
      let left = samples;
      const one = async () => {
        while (left-- > 0) {
          const started = performance.now();
          await ask(REQUEST);
          times.push(performance.now() - started);
        }
      };
      await Promise.all(Array.from({ length: depth }, one));
      return times;
    },
  };
}
