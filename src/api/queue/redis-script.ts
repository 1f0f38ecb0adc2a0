import type { Redis } from "ioredis";

/** A Lua script, run by its digest; Redis gets its text once. */
export type RedisScript = (keys: readonly string[], values: readonly (string | number)[]) => Promise<unknown>;

type ScriptCommand = (...values: (string | number)[]) => Promise<unknown>;

/** Names the script on the connection: ioredis sends the digest, and the text where Redis does not have it. */
export function defineScript(redis: Redis, name: string, lua: string): RedisScript {
  redis.defineCommand(name, { lua });
  const command = (redis as unknown as Record<string, ScriptCommand>)[name]?.bind(redis);
  if (!command) throw new TypeError(`ioredis did not define ${name}`);
  return async (keys, values) => await command(keys.length, ...keys, ...values);
}
