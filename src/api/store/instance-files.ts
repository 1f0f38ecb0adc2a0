import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StoredInstance } from "../instance/instance-record.ts";
import { discard, replaceWhole, syncToDisk, type TemporaryNames } from "./atomic-file.ts";
import type { StoreLayout } from "./store-layout.ts";

/** Instances of a folder store: a file each, replaced whole. */
export class InstanceFiles {
  readonly #layout: StoreLayout;
  readonly #temporary: TemporaryNames;

  constructor(layout: StoreLayout, temporary: TemporaryNames) {
    this.#layout = layout;
    this.#temporary = temporary;
  }

  async list(): Promise<StoredInstance[]> {
    const names = await readdir(this.#layout.instances);
    const texts = await Promise.all(names.map((name) => readFile(join(this.#layout.instances, name), "utf8")));
    return texts.map((text) => JSON.parse(text) as StoredInstance);
  }

  async write(instance: StoredInstance): Promise<void> {
    await replaceWhole(this.#layout.instance(instance.name), JSON.stringify(instance), this.#temporary.next());
  }

  async delete(name: string): Promise<void> {
    await discard(this.#layout.instance(name));
    await syncToDisk(this.#layout.instances);
  }
}
