/** Labels and annotations of the farm's objects. */
export const MANAGED_BY = { "app.kubernetes.io/managed-by": "emufarm-operator" } as const;
export const AGENT_LABELS = { "app.kubernetes.io/name": "emufarm-agent", ...MANAGED_BY } as const;

export const INSTANCE_LABEL = "emufarm.dev/instance";
export const INSTANCE_UID_LABEL = "emufarm.dev/instance-uid";
export const POOL_LABEL = "emufarm.dev/pool";
export const POOL_UID_LABEL = "emufarm.dev/pool-uid";

/** What of the spec the pod was made from, as a digest: another one needs another pod. */
export const TEMPLATE_ANNOTATION = "emufarm.dev/template";
/** The board as it was when the pod was made, as JSON: `{kind, name, uid, generation, spec}`. */
export const BOARD_ANNOTATION = "emufarm.dev/board";
/** Name of the Secret with the agent's own key and token. */
export const IDENTITY_ANNOTATION = "emufarm.dev/identity";
/** Since when a pod of a pool takes no more work and shall go. */
export const CORDONED_ANNOTATION = "emufarm.dev/cordoned-at";

export const SELECT_MANAGED = `app.kubernetes.io/managed-by=${MANAGED_BY["app.kubernetes.io/managed-by"]}`;
