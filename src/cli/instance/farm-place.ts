import { FarmError } from "../../core/error/farm-error.ts";
import { API_VERSION } from "../../core/schema/metadata.ts";
import type { InstanceObject as FarmInstance } from "../../core/wire/farm-instance.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import { connectFarm } from "../farm/find-farm.ts";
import { upCommand } from "../farm/follow-up.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { InstancePlace } from "./instance-place.ts";

/** Instances of a farm on one machine. */
export async function openFarmPlace(surroundings: Surroundings, options: FarmOptions): Promise<InstancePlace> {
  const farm = await connectFarm(surroundings, options);
  const { instances } = farm;

  async function* follow(name: string, signal: AbortSignal): AsyncGenerator<InstanceObject | undefined> {
    // Says so where it is not there at all.
    await instances.get(name);
    for await (const news of instances.watch(signal)) {
      if (news.type === "instance" && news.instance.metadata.name === name) yield shown(news.instance);
      if (news.type !== "deleted" || news.name !== name) continue;
      yield undefined;
      return;
    }
    // A farm that is ended in order ends what it tells as well.
    if (!signal.aborted) throw new FarmError("FarmStopped", { start: upCommand(surroundings, options) });
  }

  return {
    farm,
    list: async () => (await instances.list()).map(shown),
    get: async (name) => shown(await instances.get(name)),
    create: async (name, spec) =>
      shown(
        await instances.put(
          { apiVersion: API_VERSION, kind: "EmulatorInstance", metadata: { name }, spec },
          { isNew: true },
        ),
      ),
    patch: async (name, spec) => shown(await instances.patch(name, { spec: { ...spec } })),
    delete: (name) => instances.delete(name),
    follow,
    bring: async (bytes) => ({ artifact: (await farm.uploadBytes(bytes)).sha256 }),
    [Symbol.asyncDispose]: () => farm[Symbol.asyncDispose](),
  };
}

/** The same object: what comes as JSON has no field that is undefined. */
export function shown(instance: FarmInstance): InstanceObject {
  return instance as unknown as InstanceObject;
}
