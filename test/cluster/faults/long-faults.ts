/** Faults that take a minute each are for `npm run test:faults`; the others are in every run on a cluster. */
export function isWanted({ isLong = false }: { readonly isLong?: boolean }): boolean {
  return !isLong || process.env.EMUFARM_TEST_FAULTS === "all";
}
