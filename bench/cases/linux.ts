import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestImages } from "../../test/real-firmware/guest-images.ts";
import { type BenchCase, figure } from "../case.ts";
import { startBareGuest } from "../measure/bare-qemu.ts";
import { type BenchFarm, startBenchFarm } from "../measure/farm.ts";
import { farmQemuFolder, NOT_BUILT } from "../measure/farm-qemu.ts";
import { processTree } from "../measure/process-usage.ts";
import { median } from "../measure/statistics.ts";

const SAMPLES = 10;
const COLD_SAMPLES = 3;
const GUESTS = 8;
const BOARD = "arm-virt";
const READY = "init done[^#]*# ";
const QUESTION = "echo $((6 * 7))x\n";
const ANSWER = "42x";

/** An arm64 Linux that is booted once and restored for each job, against a cold boot on bare QEMU. */
export const linux: BenchCase = {
  name: "linux",
  title: "arm64 Linux from a template",
  async run(say) {
    const images = guestImages();
    if (images === undefined) {
      say("left out: the kernel's package is not here (npm test fetches it)");
      return [];
    }
    if (farmQemuFolder() === undefined) {
      say(NOT_BUILT);
      return [];
    }
    const { bytes, initrd } = images.linux("arm64");
    if (initrd === undefined) throw new Error("a kernel without a RAM disk");
    const cold = await coldBootMs(bytes, initrd);
    await using farm = await startBenchFarm({ slots: GUESTS });
    const kernel = await farm.client.uploadBytes(bytes);
    const disk = await farm.client.uploadBytes(initrd);
    const firmware = { sha256: kernel.sha256, format: "linux" as const, initrd: { sha256: disk.sha256 } };
    await answerMs(farm, firmware);
    const warm: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) warm.push(await answerMs(farm, firmware));
    say(`${median(warm).toFixed(0)} ms until it answers, cold ${cold.toFixed(0)} ms`);
    const mib = await privateMiB(farm, firmware);
    return [
      figure("linux-answer", median(warm) / cold, "ratio", `cold boot on bare QEMU (${cold.toFixed(0)} ms)`, "<=", 0.1),
      figure("linux-memory", mib, "MiB", `private memory of each of ${GUESTS} guests`, "<=", 40),
    ];
  },
};

interface LinuxFirmware {
  sha256: string;
  format: "linux";
  initrd: { sha256: string };
}

function job(firmware: LinuxFirmware, steps: object[]) {
  return {
    board: BOARD,
    firmware,
    strategy: "template" as const,
    ready: { uart: "uart0", pattern: READY },
    timeout: "120s",
    scenario: { version: 1 as const, steps },
  };
}

/** From the submission until the shell has answered, in ms. */
async function answerMs(farm: BenchFarm, firmware: LinuxFirmware): Promise<number> {
  const started = performance.now();
  const { runId } = await farm.client.submitJob(
    job(firmware, [{ "write-serial": QUESTION }, { "wait-serial": ANSWER }]),
  );
  for await (const event of farm.client.events(runId)) {
    if (event.type !== "jobFinished") continue;
    if (event.verdict.result?.verdict !== "passed") throw new Error("the shell did not answer");
    return performance.now() - started;
  }
  throw new Error("the run ended without a verdict");
}

/** Memory that is a guest's own, of several at a time, each of which has answered: the median. */
async function privateMiB(farm: BenchFarm, firmware: LinuxFirmware): Promise<number> {
  const steps = [{ "write-serial": QUESTION }, { "wait-serial": ANSWER }, { delay: "10s" }];
  const run = await farm.client.submitRun({ jobs: Array.from({ length: GUESTS }, () => job(firmware, steps)) });
  let running = 0;
  for await (const event of farm.client.events(run.id)) {
    if (event.type === "jobRunning") running += 1;
    if (running === GUESTS) break;
  }
  const sizes: number[] = [];
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (const pid of await processTree(farm.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8");
    if (!command.includes("qemu-system-") || !command.includes("share=off")) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
    sizes.push(Number(/^Private_Dirty:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) / 1_024);
  }
  await farm.client.cancelRun(run.id, "measured");
  if (sizes.length < GUESTS) throw new Error(`only ${sizes.length} guests run`);
  return median(sizes);
}

async function coldBootMs(kernel: Buffer, initrd: Buffer): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "emufarm-bench-"));
  try {
    const [image, disk] = [join(folder, "kernel"), join(folder, "initrd")];
    await writeFile(image, kernel);
    await writeFile(disk, initrd);
    const times: number[] = [];
    for (let sample = 0; sample < COLD_SAMPLES; sample++) {
      const started = performance.now();
      await using guest = await startBareGuest(image, {
        binary: "qemu-system-aarch64",
        machine: ["-M", "virt", "-cpu", "cortex-a57", "-m", "512M", "-initrd", disk, "-append", "console=ttyAMA0"],
      });
      const until = listenTo(guest.uart);
      await until("init done");
      await until("# ");
      guest.uart.write(QUESTION);
      // One kick helps a guest that is ready at that instant only.
      const kicks = setInterval(guest.kick, 5);
      await until(ANSWER);
      clearInterval(kicks);
      times.push(performance.now() - started);
    }
    return median(times);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Waits for texts, one after another, in what a UART says from now on. */
function listenTo(uart: Socket): (text: string) => Promise<void> {
  let said = "";
  let wake = () => {};
  uart.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
    wake();
  });
  return async (text) => {
    while (!said.includes(text)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    said = said.slice(said.indexOf(text) + text.length);
  };
}
