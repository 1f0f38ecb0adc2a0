import { JOB_ID } from "../command/farm-ids.ts";

/** What a word of the command line names. */
export type NamedTarget =
  | { readonly kind: "job"; readonly id: string }
  | { readonly kind: "instance"; readonly name: string }
  /** Neither an id nor a name that anything could have. */
  | { readonly kind: "unknown" };

const INSTANCE = /^(?:(?:emu|(?:emulator)?instances?)(?:[.]emufarm[.]dev)?\/)?([^/]+)$/i;

/** Whom a word means: the id of a job, `emu/NAME` or `NAME` an instance. */
export function targetNamed(word: string): NamedTarget {
  if (JOB_ID.test(word)) return { kind: "job", id: word };
  const name = INSTANCE.exec(word)?.[1];
  return name === undefined ? { kind: "unknown" } : { kind: "instance", name };
}
