/** `npm run fuzz -- [--minutes 60] [--seed 1] [CODEC ...]`: see test/fuzz. */
import { parseArgs } from "node:util";
import { CODECS } from "../test/fuzz/codecs.ts";
import { fuzz } from "../test/fuzz/fuzzer.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
const chosen = CODECS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const unknown = positionals.filter((name) => !CODECS.some((codec) => codec.name === name));
const minutes = Number(values.minutes);
if (unknown.length > 0 || !(minutes > 0)) {
  const names = CODECS.map(({ name }) => name).join(", ");
  process.stderr.write(
    `fuzz: there is no ${unknown.join(", ") || `time of ${values.minutes} minutes`}; codecs are ${names}\n`,
  );
  process.exit(2);
}

let hasFaults = false;
for (const [index, codec] of chosen.entries()) {
  const seed = Number(values.seed) + index;
  const { executions, kept, faults } = await fuzz(codec, (minutes * 60_000) / chosen.length, seed);
  process.stdout.write(`${codec.name}: ${executions} inputs, ${kept} kept, ${faults.length} faults (seed ${seed})\n`);
  for (const fault of faults.slice(0, 20)) process.stdout.write(`  ${fault}\n`);
  hasFaults ||= faults.length > 0;
}
process.exitCode = hasFaults ? 1 : 0;
