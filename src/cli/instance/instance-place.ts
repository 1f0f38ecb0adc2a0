import type { FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { targetNamed } from "../channel/target-word.ts";
import { areInstancesOnCluster } from "../channel/where-instances.ts";
import type { InstanceObject } from "../cluster/describe-object.ts";
import type { FarmOptions } from "../farm-options.ts";
import type { Surroundings } from "../surroundings.ts";

/** Where instances are: a farm on one machine, or a namespace of a cluster. */
export interface InstancePlace extends AsyncDisposable {
  list(): Promise<readonly InstanceObject[]>;
  /** @throws {FarmError} UnknownTarget with the nearest name; likewise below */
  get(name: string): Promise<InstanceObject>;
  /** @throws {FarmError} Conflict where the name is taken */
  create(name: string, spec: object): Promise<InstanceObject>;
  /** Changes the spec by a merge patch. */
  patch(name: string, spec: object): Promise<InstanceObject>;
  delete(name: string): Promise<void>;
  /** The instance as it is and each time it has changed; undefined once it is deleted, which ends it. */
  follow(name: string, signal: AbortSignal): AsyncGenerator<InstanceObject | undefined>;
  /** Brings the bytes of a file to where the farm finds them. @returns the source for `spec.firmware` */
  bring(bytes: Uint8Array): Promise<{ readonly artifact: string } | { readonly inline: string }>;
  /** The farm of one machine; undefined on a cluster. */
  readonly farm: FarmClient | undefined;
}

/** @throws {FarmError} FarmNotRunning, NoCluster */
export async function openInstancePlace(surroundings: Surroundings, options: FarmOptions): Promise<InstancePlace> {
  if (await areInstancesOnCluster(surroundings, options)) {
    return await (await import("./cluster-place.ts")).openClusterPlace(surroundings, options);
  }
  return await (await import("./farm-place.ts")).openFarmPlace(surroundings, options);
}

/** The name in `NAME` or `emu/NAME`. @throws {FarmError} InvalidRequest for a job, and what is no name */
export function instanceNamed(word: string, verb: string): string {
  const named = targetNamed(word);
  if (named.kind === "instance") return named.name;
  const problems =
    named.kind === "job"
      ? `${verb} is for instances, and ${word} is a job`
      : `${word} is no instance: emu/NAME, or NAME`;
  throw new FarmError("InvalidRequest", { problems });
}
