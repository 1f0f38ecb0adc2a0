import type { EmulatorInstance } from "../core/schema/emulator-instance.ts";
import type { InstanceNews, InstanceObject, InstancePatch } from "../core/wire/farm-instance.ts";
import type { Connection } from "./connection.ts";
import { type GuestChannels, guestChannels } from "./guest-channels.ts";
import { parseJsonLines } from "./ndjson.ts";

/** An instance as somebody has written it: what is left out of its spec is filled in by the farm. */
export type WrittenInstance = Pick<EmulatorInstance, "apiVersion" | "kind" | "metadata"> & { readonly spec: object };

/** Instances of a farm on one machine: the objects that a cluster has, by the same schema. */
export interface InstanceClient {
  list(): Promise<InstanceObject[]>;
  /** @throws {FarmError} UnknownTarget with the nearest name; likewise below */
  get(name: string): Promise<InstanceObject>;
  /**
   * Makes an instance, or changes the one of that name. What the spec leaves out of power, paused and resetCount stays
   * as it is. With `isNew` one that is there already is a Conflict.
   * @throws {FarmError} FarmFull where no slot is free; Conflict for what cannot be changed, or another generation
   */
  put(instance: WrittenInstance, options?: { readonly isNew?: boolean }): Promise<InstanceObject>;
  /** Changes the spec by a merge patch. @throws {FarmError} Conflict */
  patch(name: string, patch: InstancePatch): Promise<InstanceObject>;
  delete(name: string): Promise<void>;
  /** All that are there, `listed`, then each change. Ends by throwing FarmNotRunning, or the signal's reason. */
  watch(signal?: AbortSignal): AsyncGenerator<InstanceNews>;
  /** @throws {FarmError} ChannelUnreachable, from its calls, while it has no slot */
  channels(name: string): GuestChannels;
}

/** The farm writes at least an empty line each 15 s: a silence of this length means that it is gone or frozen. */
const WATCH_SILENCE_MS = 45_000;
/** Firmware that comes with the request is looked at before it is answered. */
const PUT_SILENCE_MS = 120_000;

export function createInstanceClient(connection: Connection): InstanceClient {
  const { json, bytes } = connection;
  return {
    list: () => json({ method: "GET", path: "/v1/instances" }),
    get: (name) => json({ method: "GET", path: pathOf(name) }),
    put: (instance, { isNew = false } = {}) =>
      json({
        method: "PUT",
        path: pathOf(instance.metadata.name),
        body: instance,
        silenceMs: PUT_SILENCE_MS,
        ...(isNew && { headers: { "if-none-match": "*" } }),
      }),
    patch: (name, patch) => json({ method: "PATCH", path: pathOf(name), body: patch, silenceMs: PUT_SILENCE_MS }),
    delete: (name) => json({ method: "DELETE", path: pathOf(name) }),
    watch: (signal) =>
      parseJsonLines(
        bytes({
          method: "GET",
          path: "/v1/instances?watch=true",
          silenceMs: WATCH_SILENCE_MS,
          ...(signal && { signal }),
        }),
      ),
    channels: (name) => guestChannels(connection, pathOf(name)),
  };
}

function pathOf(name: string): string {
  return `/v1/instances/${encodeURIComponent(name)}`;
}
