import type { FarmClient } from "../../client/farm-client.ts";
import type { WrittenInstance } from "../../client/instance-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { type Board, board } from "../../core/schema/board.ts";
import type { InstanceObject } from "../../core/wire/farm-instance.ts";
import type { Manifest } from "../../document/parse-manifests.ts";
import { EXIT } from "../exit-code.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

interface FarmApplyOptions extends FarmOptions {
  readonly json?: true;
}

/** What a farm on one machine takes. */
interface Applied {
  readonly object: unknown;
  readonly kind: string;
  readonly name: string;
  readonly what: "created" | "configured" | "unchanged";
}

/** `emufarm apply` on a farm of one machine: instances and boards, in the order of the files. */
export async function applyOnFarm(
  surroundings: Surroundings,
  manifests: readonly Manifest[],
  options: FarmApplyOptions,
): Promise<number> {
  const kindOf = ({ value }: Manifest) => (value as { kind: string }).kind;
  const foreign = manifests.find((manifest) => !(kindOf(manifest) in WAYS));
  if (foreign) {
    const message = `a farm on one machine takes ${Object.keys(WAYS).join(", ")}; ${kindOf(foreign)} is for a cluster: --context, --namespace`;
    throw foreign.problem([{ path: ["kind"], message }]);
  }
  await using farm = await connectFarm(surroundings, options);
  for (const manifest of manifests) {
    const { object, kind, name, what } = await applyOne(farm, manifest, kindOf(manifest));
    const text = `${kind.toLowerCase()}.emufarm.dev/${name} ${what}`;
    surroundings.stdout.write(options.json ? `${JSON.stringify(object)}\n` : `${text}\n`);
  }
  return EXIT.passed;
}

async function applyOne(farm: FarmClient, manifest: Manifest, kind: string): Promise<Applied> {
  try {
    return await (WAYS[kind] as (typeof WAYS)[string])(farm, manifest.value);
  } catch (error) {
    // What the farm says of the whole is about the place where the object begins.
    if (!(error instanceof FarmError) || error.class !== "job") throw error;
    const problem = manifest.problem([{ path: ["spec"], message: error.message.replace(/[.]$/, "") }]);
    throw new FarmError(
      "InvalidDocument",
      { ...problem.details, problems: String(problem.details.problems) },
      { cause: error },
    );
  }
}

const WAYS: Readonly<Record<string, (farm: FarmClient, value: unknown) => Promise<Applied>>> = {
  EmulatorInstance: async (farm, value) => {
    const written = value as WrittenInstance;
    const { name } = written.metadata;
    const before = (await farm.instances.list()).find(({ metadata }) => metadata.name === name);
    const object = await farm.instances.put(written);
    return { object, kind: object.kind, name, what: changeOf(before, object) };
  },
  Board: applyBoard,
  ClusterBoard: applyBoard,
};

async function applyBoard(farm: FarmClient, value: unknown): Promise<Applied> {
  const whole: Board = board.parse(value);
  const { name } = whole.metadata;
  const before = (await farm.boards()).find((known) => known.name === name);
  const object = await farm.putBoard(whole);
  const isSame = JSON.stringify(before?.spec) === JSON.stringify(object.spec);
  return { object, kind: whole.kind, name, what: before ? (isSame ? "unchanged" : "configured") : "created" };
}

function changeOf(before: InstanceObject | undefined, after: InstanceObject): Applied["what"] {
  if (before?.metadata.uid !== after.metadata.uid) return "created";
  return before.metadata.generation === after.metadata.generation ? "unchanged" : "configured";
}
