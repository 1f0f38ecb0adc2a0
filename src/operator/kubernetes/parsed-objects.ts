import type { z } from "zod";
import { FarmError } from "../../core/error/farm-error.ts";
import type { Problem } from "../../core/policy/instance-observation.ts";
import { type BoardSpec, boardSpec, NAMESPACED_BOARD_RULES } from "../../core/schema/board.ts";
import { type EmulatorInstanceSpec, emulatorInstanceSpec } from "../../core/schema/emulator-instance.ts";
import { type EmulatorInstanceStatus, emulatorInstanceStatus } from "../../core/schema/emulator-instance-status.ts";
import {
  type EmulatorPoolSpec,
  type EmulatorPoolStatus,
  emulatorPoolSpec,
  emulatorPoolStatus,
} from "../../core/schema/emulator-pool.ts";
import type { FarmObject } from "./kinds.ts";

/** A spec, or why it is none. The API server has checked it by the same rules; older objects may break newer ones. */
export type Parsed<Value> = { readonly value: Value } | { readonly problem: Problem };

/** Objects of a cache stay the same until they change: each is parsed once. */
function parserOf<Schema extends z.ZodType>(schema: Schema, reason: string) {
  const known = new WeakMap<FarmObject, Parsed<z.output<Schema>>>();
  return (object: FarmObject): Parsed<z.output<Schema>> => {
    const before = known.get(object);
    if (before) return before;
    const read = schema.safeParse(object.spec ?? {});
    const parsed = read.success
      ? { value: read.data }
      : { problem: { reason, message: sentenceOf(object, read.error) } };
    known.set(object, parsed);
    return parsed;
  };
}

function sentenceOf({ kind, metadata }: FarmObject, { issues }: z.ZodError): string {
  const problems = issues.map(({ path, message }) => `${["spec", ...path].join(".")}: ${message}`).join("; ");
  return new FarmError("InvalidDocument", { problems: `${kind} ${metadata.name ?? ""}: ${problems}` }).message;
}

export const parseInstanceSpec: (object: FarmObject) => Parsed<EmulatorInstanceSpec> = parserOf(
  emulatorInstanceSpec,
  "InvalidSpec",
);
export const parsePoolSpec: (object: FarmObject) => Parsed<EmulatorPoolSpec> = parserOf(
  emulatorPoolSpec,
  "InvalidSpec",
);
const parseAnyBoard: (object: FarmObject) => Parsed<BoardSpec> = parserOf(boardSpec, "BoardInvalid");

/** What the people of a namespace write may not reach the host. */
export function parseBoard(object: FarmObject): Parsed<BoardSpec> {
  const parsed = parseAnyBoard(object);
  if ("problem" in parsed || object.kind !== "Board") return parsed;
  const broken = NAMESPACED_BOARD_RULES.find(({ isValid }) => isValid?.(parsed.value) === false);
  if (!broken) return parsed;
  const place = ["spec", ...(broken.path ?? [])].join(".");
  return {
    problem: { reason: "BoardInvalid", message: `Board ${object.metadata.name ?? ""}: ${place}: ${broken.message}` },
  };
}

/** The status as it was written last; undefined where there is none, or one that nobody understands. */
export function statusOfInstance({ status }: FarmObject): EmulatorInstanceStatus | undefined {
  const read = emulatorInstanceStatus.safeParse(status);
  return read.success ? read.data : undefined;
}

export function statusOfPool({ status }: FarmObject): EmulatorPoolStatus | undefined {
  const read = emulatorPoolStatus.safeParse(status);
  return read.success ? read.data : undefined;
}
