/** Key of a pool: the braces are Redis Cluster's hash tag, so that all keys of a pool lie on one node. */
export function poolKey(pool: string, name: string): string {
  return `${poolPrefix(pool)}:${name}`;
}

export function poolPrefix(pool: string): string {
  return `emufarm:{${pool}}`;
}
