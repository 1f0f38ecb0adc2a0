/** What is remembered of objects, by key; another object of the same name begins anew. */
export class ObjectMemories<Memory> {
  readonly #memories = new Map<string, { readonly uid: string; readonly memory: Memory }>();
  readonly #create: () => Memory;
  readonly #onForgotten: (uid: string, key: string) => void;

  constructor(create: () => Memory, onForgotten: (uid: string, key: string) => void = () => {}) {
    this.#create = create;
    this.#onForgotten = onForgotten;
  }

  of(key: string, uid: string): Memory {
    const known = this.#memories.get(key);
    if (known?.uid === uid) return known.memory;
    this.forget(key);
    const memory = this.#create();
    this.#memories.set(key, { uid, memory });
    return memory;
  }

  forget(key: string): void {
    const known = this.#memories.get(key);
    this.#memories.delete(key);
    if (known) this.#onForgotten(known.uid, key);
  }
}
