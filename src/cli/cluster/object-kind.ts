import { CUSTOM_RESOURCES, type CustomResource } from "../../core/kubernetes/custom-resources.ts";

/** Words for all kinds of the farm at once. */
const ALL = new Set(["all", "emufarm"]);

/** What a command line asks for: kinds, and names where some are named. */
export interface ObjectsAsked {
  readonly kinds: readonly CustomResource[];
  readonly names: readonly { readonly kind: CustomResource; readonly name: string }[];
}

/** The kind that goes by this word: plural, singular or short, as kubectl takes it. */
export function findKind(word: string): CustomResource | undefined {
  const plain = word.toLowerCase().replace(/[.](v1alpha1[.])?emufarm[.]dev$/, "");
  const name = plain.replace(/^instance(?=s?$)/, "emulatorinstance");
  return CUSTOM_RESOURCES.find(({ kind, plural, shortName }) => [kind.toLowerCase(), plural, shortName].includes(name));
}

/**
 * Reads `emu`, `emu NAME...`, `emu/NAME...`, `emu,emupool`, `all`; undefined where the words are of no kind.
 */
export function objectsAsked(words: readonly string[]): ObjectsAsked | undefined {
  const [first = "", ...names] = words;
  if (first.includes("/")) {
    const pairs = words.map((word) => objectAsked(word));
    const known = pairs.filter((pair) => pair !== undefined);
    return known.length === words.length ? { kinds: [], names: known } : undefined;
  }
  const kinds = ALL.has(first) ? CUSTOM_RESOURCES : first.split(",").map(findKind);
  const known = kinds.filter((kind) => kind !== undefined);
  if (known.length !== kinds.length) return undefined;
  return { kinds: known, names: names.flatMap((name) => known.map((kind) => ({ kind, name }))) };
}

/** Reads `emu/NAME`. */
export function objectAsked(word: string): { kind: CustomResource; name: string } | undefined {
  const [before = "", name = "", ...rest] = word.split("/");
  const kind = findKind(before);
  return kind && name !== "" && rest.length === 0 ? { kind, name } : undefined;
}
