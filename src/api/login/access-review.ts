import { API_GROUP } from "../../core/schema/metadata.ts";
import type { KubeClient } from "../../kube/kube-client.ts";
import type { KubeObject, Resource } from "../../kube/kube-object.ts";
import { askCluster } from "./ask-cluster.ts";
import type { Permission } from "./permission.ts";
import { rememberAnswers } from "./remembered-answers.ts";
import type { Somebody } from "./somebody.ts";

interface SubjectAccessReview extends KubeObject {
  readonly spec: object;
  readonly status?: { readonly allowed?: boolean };
}

const SUBJECT_ACCESS_REVIEWS: Resource<SubjectAccessReview> = {
  apiVersion: "authorization.k8s.io/v1",
  kind: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  isNamespaced: false,
};
/** A right that is taken away, or given, counts after this time. */
const REMEMBERED_MS = 5_000;

/** Whether the cluster's roles allow it. @throws {FarmError} ClusterUnreachable */
export type May = (somebody: Somebody, permission: Permission) => Promise<boolean>;

export function createAccessReview(client: Pick<KubeClient, "create">): May {
  const { apiVersion, kind } = SUBJECT_ACCESS_REVIEWS;
  const ask = rememberAnswers(async (spec) => {
    const review = { apiVersion, kind, metadata: {}, spec: JSON.parse(spec) as object };
    const { status } = await askCluster(client.create<SubjectAccessReview>(SUBJECT_ACCESS_REVIEWS, review));
    return status?.allowed === true;
  }, REMEMBERED_MS);
  return ({ username, ...rest }, { namespace, ...action }) => {
    const resourceAttributes = { group: API_GROUP, ...action, ...(namespace !== undefined && { namespace }) };
    return ask(JSON.stringify({ user: username, ...rest, resourceAttributes }));
  };
}
