import { FarmError } from "../../core/error/farm-error.ts";
import { KubeError } from "../../kube/kube-error.ts";

/** @throws {FarmError} ClusterUnreachable where the API server does not say: nobody is let in on a guess */
export async function askCluster<Value>(answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const detail = `the API server does not say who calls and what they may (${error.message})`;
    throw new FarmError("ClusterUnreachable", { detail }, { cause: error });
  }
}
