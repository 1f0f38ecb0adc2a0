import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CodecFault, flood } from "./check-input.ts";
import type { Codec } from "./codec.ts";

const SMALL_BYTES = 64 * 1024;
const TIMES = 4;
/** Linear is 4 times, quadratic 16; what takes less than this says nothing on a busy machine. */
const MAX_TIMES = 11;
const SLOW_US = 400_000;
/** Once what nobody holds any more has been collected; what is read is held by the test itself. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

/** Whether a flood of an input costs time and memory by its length. @throws {CodecFault} */
export async function checkFlood(codec: Codec, input: Buffer): Promise<void> {
  const short = await costOf(codec, input, SMALL_BYTES);
  const long = await costOf(codec, input, TIMES * SMALL_BYTES);
  if (long.us > SLOW_US && long.us > MAX_TIMES * short.us) {
    throw new CodecFault(
      `${codec.name} takes ${short.us} us for a flood, and ${long.us} us for ${TIMES} times as much`,
    );
  }
  if (long.heldBytes > MAX_HELD_BYTES) throw new CodecFault(`${codec.name} holds ${long.heldBytes} bytes of a flood`);
}

async function costOf(codec: Codec, input: Buffer, bytes: number): Promise<{ us: number; heldBytes: number }> {
  const memory = heldBytes();
  const before = process.threadCpuUsage();
  await flood(codec, input, bytes);
  const { user, system } = process.threadCpuUsage(before);
  return { us: user + system, heldBytes: heldBytes() - memory };
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function heldBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
