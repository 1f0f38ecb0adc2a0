import type { Admit } from "../../http/trust.ts";
import type { ClusterSide } from "../agents/cluster-side.ts";
import type { ApiConfig } from "../config.ts";
import type { Store } from "../store/store.ts";

/** The login of the settings, where there is one. Loaded on clusters only. */
export async function openLogin(
  { login }: ApiConfig,
  cluster: ClusterSide | undefined,
  store: Pick<Store, "readRunHead">,
): Promise<Admit | undefined> {
  if (!login || !cluster) return undefined;
  const [{ createAccessReview }, { createClusterLogin }, { createTokenReview }] = await Promise.all([
    import("./access-review.ts"),
    import("./cluster-login.ts"),
    import("./token-review.ts"),
  ]);
  const { namespace, oidc } = login;
  const reviewed = createTokenReview(cluster.client);
  const identify = oidc ? (await import("./oidc-login.ts")).createOidcLogin(oidc, reviewed) : reviewed;
  return createClusterLogin({ identify, may: createAccessReview(cluster.client), store, namespace });
}
