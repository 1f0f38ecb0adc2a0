import { EMULATOR_INSTANCE } from "../../core/kubernetes/custom-resources.ts";
import { unknownTarget } from "../channel/unknown-target.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import { type Cluster, openCluster } from "../cluster/open-cluster.ts";
import { connectFarm } from "../farm/find-farm.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";
import type { InstancePlace } from "./instance-place.ts";

const FIELD_MANAGER = "emufarm";
/** What travels in the object itself; more goes by the farm's store. */
const MAX_INLINE_BYTES = 96 * 1024;
/** The API server ends each watch after some minutes. */
const WATCH_SECONDS = 300;
const WATCH_SILENCE_MS = 330_000;

/** Instances of a namespace. */
export async function openClusterPlace(surroundings: Surroundings, options: FarmOptions): Promise<InstancePlace> {
  const cluster = await openCluster(surroundings, options);
  const { namespace } = cluster;
  const what = (name: string) => `EmulatorInstance ${name} in namespace ${namespace}`;

  const list = async () => {
    const { items } = await cluster.ask("EmulatorInstances", ({ client }) =>
      client.list(EMULATOR_INSTANCE, { namespace }),
    );
    return items as InstanceObject[];
  };
  const get = async (name: string) => {
    const found = await cluster.ask(what(name), ({ client }) => client.get(EMULATOR_INSTANCE, name, namespace));
    if (found) return found as InstanceObject;
    throw await nobody(cluster, name, await list());
  };
  const changed = async (name: string, change: Promise<unknown>) => {
    // One that has gone is told with what may have been meant.
    await change.catch(async (error: unknown) => {
      await get(name);
      throw error;
    });
  };

  return {
    farm: undefined,
    list,
    get,
    create: async (name, spec) => {
      const { apiVersion, kind } = EMULATOR_INSTANCE;
      const object = { apiVersion, kind, metadata: { name, namespace }, spec };
      return (await cluster.ask(what(name), ({ client }) =>
        client.create(EMULATOR_INSTANCE, object, { fieldManager: FIELD_MANAGER }),
      )) as unknown as InstanceObject;
    },
    patch: async (name, spec) => {
      const patching = cluster.ask(what(name), ({ client }) =>
        client.patch(EMULATOR_INSTANCE, name, namespace, { spec }, { fieldManager: FIELD_MANAGER }),
      );
      await changed(name, patching);
      return (await patching) as unknown as InstanceObject;
    },
    delete: async (name) => {
      const isGone = await cluster.ask(what(name), ({ client }) => client.delete(EMULATOR_INSTANCE, name, namespace));
      if (!isGone) throw await nobody(cluster, name, await list());
    },
    follow: (name, signal) => followInstance(cluster, name, get, signal),
    async bring(bytes) {
      if (bytes.length <= MAX_INLINE_BYTES) return { inline: Buffer.from(bytes).toString("base64") };
      // That of this cluster, also where nobody named it.
      await using farm = await connectFarm(surroundings, { ...options, namespace });
      return { artifact: (await farm.uploadBytes(bytes)).sha256 };
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function nobody({ namespace }: Cluster, name: string, all: readonly InstanceObject[]) {
  const known = all.map(({ metadata }) => `emu/${metadata.name}`);
  return unknownTarget(`emu/${name}`, known, { where: `namespace ${namespace}` });
}

async function* followInstance(
  cluster: Cluster,
  name: string,
  get: (name: string) => Promise<InstanceObject>,
  signal: AbortSignal,
): AsyncGenerator<InstanceObject | undefined> {
  const { namespace } = cluster;
  while (!signal.aborted) {
    const now = await get(name);
    yield now;
    const selection = { namespace, fieldSelector: `metadata.name=${name}` };
    const { resourceVersion = "" } = now.metadata;
    const times = { timeoutSeconds: WATCH_SECONDS, inactivityMs: WATCH_SILENCE_MS };
    const watched = cluster.stream(`EmulatorInstance ${name}`, ({ client }) =>
      client.watch(EMULATOR_INSTANCE, { ...selection, resourceVersion, ...times, signal }),
    );
    for await (const { type, object } of watched) {
      if (type === "BOOKMARK") continue;
      yield type === "DELETED" ? undefined : (object as InstanceObject);
      if (type === "DELETED") return;
    }
  }
}
