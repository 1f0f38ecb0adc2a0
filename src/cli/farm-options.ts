/** Where the farm is; every command that talks to one takes these. */
export interface FarmOptions extends ClusterOptions {
  readonly farm?: string;
  readonly tokenFile?: string;
  readonly data?: string;
}

/** Which cluster, and where in it. Any of them means a cluster instead of this machine. */
export interface ClusterOptions {
  readonly context?: string;
  readonly namespace?: string;
  readonly kubeconfig?: string;
}
