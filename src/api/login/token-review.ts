import { FarmError } from "../../core/error/farm-error.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import { askCluster } from "./ask-cluster.ts";
import { rememberAnswers } from "./remembered-answers.ts";
import type { Identify, Somebody } from "./somebody.ts";

interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly error?: string;
    readonly user?: {
      readonly username?: string;
      readonly uid?: string;
      readonly groups?: readonly string[];
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

const TOKEN_REVIEWS: Resource<TokenReview> = {
  apiVersion: "authentication.k8s.io/v1",
  kind: "TokenReview",
  plural: "tokenreviews",
  isNamespaced: false,
};
/** Tokens for the farm alone, which are of no use against the cluster itself. */
export const FARM_AUDIENCE = "emufarm";
/** A token that is taken back is refused after this time. */
const REMEMBERED_MS = 10_000;

/** Asks the cluster whose token it is: one for the farm (audience `emufarm`), or one for the API server. */
export function createTokenReview(client: Pick<KubeClient, "create">): Identify {
  async function review(token: string, audiences: readonly string[] | undefined): Promise<TokenReview["status"]> {
    const { apiVersion, kind } = TOKEN_REVIEWS;
    const spec = audiences ? { token, audiences } : { token };
    return (await askCluster(client.create(TOKEN_REVIEWS, { apiVersion, kind, metadata: {}, spec }))).status;
  }

  async function identify(token: string): Promise<Somebody> {
    const forFarm = await review(token, [FARM_AUDIENCE]);
    const status = forFarm?.authenticated ? forFarm : await review(token, undefined);
    const { username, uid, groups = [], extra } = status?.user ?? {};
    if (status?.authenticated && username) return { username, uid, groups, extra };
    const detail = status?.error === undefined || status.error === "" ? "" : ` (${status.error})`;
    throw new FarmError("TokenRefused", { problem: `the cluster does not know it${detail}` });
  }

  return rememberAnswers(identify, REMEMBERED_MS);
}
