import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { TokenSource } from "../../client/connection.ts";
import { createFarmClient, type FarmClient } from "../../client/farm-client.ts";
import { FarmError } from "../../core/error/farm-error.ts";
import { isClusterWanted } from "../cluster/cluster-wanted.ts";
import type { FarmOptions } from "../farm-options.ts";
import { farmFolders } from "../folders.ts";
import type { Surroundings } from "../surroundings.ts";
import { isRunning, type ProcessIdentity } from "../up/process-identity.ts";
import { upCommand } from "./follow-up.ts";

/** A running farm and the way in. */
export interface FarmAddress {
  readonly address: string;
  readonly token: TokenSource;
  /** In a cluster: whose runs. */
  readonly namespace?: string;
  /** The command that helps where it does not answer; default: the one that starts a farm. */
  readonly start?: string;
  /** On this machine: whether it has ended, not only its API. */
  readonly isStopped?: () => Promise<boolean>;
}

/**
 * The farm that was named, in the cluster that was named, or else the one that is up on this machine; undefined where
 * none is.
 * @throws {FarmError} Unauthenticated where its token cannot be read
 */
export async function findFarm(surroundings: Surroundings, options: FarmOptions): Promise<FarmAddress | undefined> {
  const { env, cwd } = surroundings;
  if (options.farm === undefined && isClusterWanted(surroundings, options)) {
    return (await import("../cluster/cluster-farm.ts")).clusterFarm(surroundings, options);
  }
  const { data } = farmFolders(surroundings, options.data);
  const url = options.farm ?? env.EMUFARM_URL ?? (await farmHere(data))?.url;
  if (url === undefined) return undefined;
  const chosen = options.tokenFile ?? env.EMUFARM_TOKEN_FILE;
  if (options.farm !== undefined && chosen === undefined && (options.context ?? options.kubeconfig) !== undefined) {
    return (await import("../cluster/cluster-farm.ts")).farmBehind(surroundings, url, options);
  }
  const tokenFile = chosen === undefined ? join(data, "token") : resolve(cwd, chosen);
  try {
    const token = (await readFile(tokenFile, "utf8")).trim();
    const isHere = options.farm === undefined && env.EMUFARM_URL === undefined;
    if (!isHere) return { address: url, token };
    const isStopped = async () => (await farmHere(data)) === undefined;
    return { address: url, token, start: upCommand(surroundings, options), isStopped };
  } catch (cause) {
    throw new FarmError("Unauthenticated", { tokenFile }, { cause });
  }
}

async function needFarm(surroundings: Surroundings, options: FarmOptions): Promise<FarmAddress> {
  const farm = await findFarm(surroundings, options);
  if (farm) return farm;
  const address = farmFolders(surroundings, options.data).data;
  throw new FarmError("FarmNotRunning", { address, start: upCommand(surroundings, options) });
}

/** The farm that is up with this folder, as it wrote itself down. */
export async function farmHere(data: string): Promise<(ProcessIdentity & { readonly url: string }) | undefined> {
  try {
    const farm = JSON.parse(await readFile(join(data, "farm.json"), "utf8")) as ProcessIdentity & { url: string };
    return isRunning(farm) ? farm : undefined;
  } catch {
    // No farm of ours, or one of another user: then none is running for us.
    return undefined;
  }
}

/**
 * A client of the farm, for commands that make no sense without one.
 * @throws {FarmError} FarmNotRunning, Unauthenticated
 */
export async function connectFarm(surroundings: Surroundings, options: FarmOptions): Promise<FarmClient> {
  return createFarmClient(await needFarm(surroundings, options));
}
