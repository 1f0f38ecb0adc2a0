import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../test/free-port.ts";
import { type BenchCase, figure } from "../case.ts";
import { startBenchAgent } from "../measure/agent.ts";
import { BINARY, bareArguments } from "../measure/bare-qemu.ts";
import { exampleImage } from "../measure/image.ts";
import { median } from "../measure/statistics.ts";

const STEPS = 1_000;
const LOADED_BYTES = 1024 * 1024;
/** RAM of the board that its firmware does not use. */
const LOAD_ADDRESS = "0x21000000";
const ROUNDS = 5;

const run = promisify(execFile);

interface Times {
  readonly stepsMs: number;
  readonly loadMs: number;
}

/** gdb itself at a board of the farm, against gdb at the bare stub. */
export const gdb: BenchCase = {
  name: "gdb",
  title: `gdb: ${STEPS} steps; loading 1 MB`,
  async run(say) {
    const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
    try {
      const blob = join(folder, "blob");
      await writeFile(blob, Buffer.alloc(LOADED_BYTES, 0x5a));
      const image = exampleImage("shell");
      await using agent = await startBenchAgent(1);
      const instance = await agent.startInstance(image, { channels: ["gdb"] });
      const port = await instance.portOf("gdb");
      await using stub = await startBareStub(image);
      const [bare, ours]: [Times[], Times[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        bare.push(await timesAt(stub.port, blob));
        ours.push(await timesAt(port, blob));
      }
      const figureOf = (name: string, what: keyof Times) => {
        const [ourMs, bareMs] = [ours, bare].map((times) => median(times.map((one) => one[what]))) as [number, number];
        say(`${name}: ${ourMs.toFixed(0)} ms, bare ${bareMs.toFixed(0)} ms`);
        return figure(name, ourMs / bareMs, "ratio", `bare stub (${bareMs.toFixed(0)} ms)`, "<=", 1.2);
      };
      return [figureOf("gdb-steps", "stepsMs"), figureOf("gdb-load", "loadMs")];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

/** By gdb's own clock: its start is not counted. */
async function timesAt(port: number, blob: string): Promise<Times> {
  const measured = (name: string, command: string) => [
    "python import time; begun = time.monotonic()",
    command,
    `python print("${name}", round((time.monotonic() - begun) * 1000000))`,
  ];
  const commands = [
    "set confirm off",
    "set pagination off",
    `target remote 127.0.0.1:${port}`,
    ...measured("STEPS", `stepi ${STEPS}`),
    ...measured("LOAD", `restore ${blob} binary ${LOAD_ADDRESS}`),
    "detach",
  ];
  const args = ["-nx", "-batch", ...commands.flatMap((command) => ["-ex", command])];
  const { stdout } = await run("gdb-multiarch", args, { timeout: 120_000 });
  const timeMs = (name: string) => {
    const us = new RegExp(`^${name} (\\d+)$`, "m").exec(stdout)?.[1];
    if (us === undefined) throw new Error(`gdb said no time of ${name}: ${stdout}`);
    return Number(us) / 1_000;
  };
  return { stepsMs: timeMs("STEPS"), loadMs: timeMs("LOAD") };
}

/** A bare QEMU whose stub listens. */
async function startBareStub(image: string): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const args = [...bareArguments(image, "null"), "-gdb", `tcp:127.0.0.1:${port}`, "-qmp", "stdio"];
  const child = spawn(BINARY, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  // Its greeting: the stub listens by then.
  await once(child.stdout, "data");
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
