/** Somebody as Kubernetes knows people and service accounts. */
export interface Somebody {
  readonly username: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Whose token this is. @throws {FarmError} TokenRefused, ClusterUnreachable */
export type Identify = (token: string) => Promise<Somebody>;
