import { type KubeObject, keyOf } from "./kube-object.ts";

/** The values that an object is found by. */
export type IndexFunction<Kind> = (object: Kind) => readonly string[];

/** Objects by key and by indexes. */
export class ObjectStore<Kind extends KubeObject> {
  readonly #objects = new Map<string, Kind>();
  readonly #indexes: ReadonlyMap<
    string,
    { readonly valuesOf: IndexFunction<Kind>; readonly keys: Map<string, Set<string>> }
  >;

  constructor(indexes: Readonly<Record<string, IndexFunction<Kind>>>) {
    this.#indexes = new Map(Object.entries(indexes).map(([name, valuesOf]) => [name, { valuesOf, keys: new Map() }]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): Kind | undefined {
    return this.#objects.get(key);
  }

  list(): Kind[] {
    return [...this.#objects.values()];
  }

  byIndex(name: string, value: string): Kind[] {
    const index = this.#indexes.get(name);
    if (!index) throw new RangeError(`there is no index ${name}`);
    return [...(index.keys.get(value) ?? [])].flatMap((key) => this.#objects.get(key) ?? []);
  }

  /** @returns the object's key, or undefined where this very version was there already */
  put(object: Kind): string | undefined {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before && isSame(before, object)) return undefined;
    if (before) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const { valuesOf, keys } of this.#indexes.values()) {
      for (const value of valuesOf(object)) keys.set(value, (keys.get(value) ?? new Set()).add(key));
    }
    return key;
  }

  /** @returns the key, or undefined where there was no such object */
  remove(key: string): string | undefined {
    const before = this.#objects.get(key);
    if (!before) return undefined;
    this.#unindex(key, before);
    this.#objects.delete(key);
    return key;
  }

  /** From now on these are all. @returns the keys of those that came, changed or went */
  replace(objects: readonly Kind[]): string[] {
    const present = new Set(objects.map(keyOf));
    const gone = [...this.#objects.keys()].filter((key) => !present.has(key));
    return [...gone.map((key) => this.remove(key)), ...objects.map((object) => this.put(object))].filter(
      (key) => key !== undefined,
    );
  }

  #unindex(key: string, object: Kind): void {
    for (const { valuesOf, keys } of this.#indexes.values()) {
      for (const value of valuesOf(object)) {
        keys.get(value)?.delete(key);
        if (keys.get(value)?.size === 0) keys.delete(value);
      }
    }
  }
}

function isSame(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}
