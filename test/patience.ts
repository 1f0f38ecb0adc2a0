/** For `vi.waitFor`, which gives up after a second: on a busy machine that is not long. As in `expect.poll` here. */
export const PATIENCE = { timeout: 30_000 };
