import { type Fields, instance, type Manifest } from "./manifest-builders.ts";

/** A manifest that the API server refuses. */
export interface RefusedAtApply {
  readonly what: string;
  readonly at: "apply";
  readonly manifest: Manifest;
  /** What was there before, for a change that is refused. */
  readonly before?: Manifest;
  /** What the server says, to the letter, behind `KIND.emufarm.dev "NAME" is invalid: `, or all of it. */
  readonly message: string;
}

export const refused = (what: string, manifest: Manifest, message: string): RefusedAtApply => ({
  what,
  at: "apply",
  manifest,
  message,
});

/** A change that is refused of an instance that was right. */
export const changed = (what: string, before: Fields, after: Fields, message: string): RefusedAtApply => ({
  ...refused(what, instance(after), message),
  before: instance(before),
});

/** Where a field is wrong in itself, the rules over several fields are not looked at. */
export const unfinished = (message: string) =>
  `[${message}, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]`;
