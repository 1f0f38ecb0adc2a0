/**
 * The waiting room's scripts. Keys of a pool, all under one hash tag:
 *
 * - KEYS[1] `state`: hash of `seq` (last sequence number), `pass` (virtual time) and `size` (waiting jobs)
 * - KEYS[2] `ring`: tenants that wait, by the virtual time of their next turn
 * - KEYS[3] `left`: tenants that have nothing waiting but had their turn ahead of virtual time
 * - ARGV[1] .. tenant: jobs of a tenant, by priority, then sequence
 *
 * Turns are start-time fair queueing: a turn costs a tenant STRIDE / weight of virtual time, and who enters starts at
 * the present, or where it left if that is later, so that coming and going gains nothing. Each step is a sorted-set
 * operation: O(log n). When nothing waits, no key is left.
 */

/** Virtual time of one turn at weight 1; divisible well by usual weights. */
export const STRIDE = 1_048_576;

/** Sequence numbers below one step of priority: 2^44, so that priority (at most 100) and sequence fit a double. */
const PRIORITY_STEP = 17_592_186_044_416;

const FORGET_WHEN_EMPTY = `
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('DEL', KEYS[1], KEYS[3])
end
`;

/** ARGV: prefix, channel, message, then tenant, priority and job id of each. Returns how many are new. */
export const SUBMIT = `
local state = redis.call('HMGET', KEYS[1], 'seq', 'pass')
local seq, pass = tonumber(state[1]) or 0, tonumber(state[2]) or 0
local added, entered = 0, {}
for i = 4, #ARGV, 3 do
  local tenant = ARGV[i]
  seq = seq + 1
  local score = tonumber(ARGV[i + 1]) * ${PRIORITY_STEP} + seq
  if redis.call('ZADD', ARGV[1] .. tenant, 'NX', score, ARGV[i + 2]) == 1 then
    added = added + 1
    if not entered[tenant] then
      entered[tenant] = true
      local left = tonumber(redis.call('ZSCORE', KEYS[3], tenant)) or 0
      if redis.call('ZADD', KEYS[2], 'NX', math.max(pass, left), tenant) == 1 then
        redis.call('ZREM', KEYS[3], tenant)
      end
    end
  end
end
if added > 0 then
  redis.call('HSET', KEYS[1], 'seq', seq)
  redis.call('HINCRBY', KEYS[1], 'size', added)
  redis.call('PUBLISH', ARGV[2], ARGV[3])
end
return added
`;

/** ARGV: prefix, count, then tenant and weight of each tenant whose weight is not 1. Returns job ids. */
export const ADMIT = `
local weights, jobs, pass = {}, {}, nil
for i = 3, #ARGV, 2 do weights[ARGV[i]] = tonumber(ARGV[i + 1]) end
while #jobs < tonumber(ARGV[2]) do
  local head = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if #head == 0 then break end
  local tenant = head[1]
  local key = ARGV[1] .. tenant
  pass = tonumber(head[2])
  jobs[#jobs + 1] = redis.call('ZPOPMIN', key)[1]
  local turn = pass + math.floor(${STRIDE} / (weights[tenant] or 1))
  if redis.call('EXISTS', key) == 1 then
    redis.call('ZADD', KEYS[2], turn, tenant)
  else
    redis.call('ZREM', KEYS[2], tenant)
    redis.call('ZADD', KEYS[3], turn, tenant)
  end
end
if pass then
  redis.call('HSET', KEYS[1], 'pass', pass)
  redis.call('HINCRBY', KEYS[1], 'size', -#jobs)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', pass)
  ${FORGET_WHEN_EMPTY}
end
return jobs
`;

/** ARGV: prefix, then tenant and job id of each. Returns the ids of those that waited. */
export const CANCEL = `
local jobs, pass = {}, tonumber(redis.call('HGET', KEYS[1], 'pass')) or 0
for i = 2, #ARGV, 2 do
  local key = ARGV[1] .. ARGV[i]
  if redis.call('ZREM', key, ARGV[i + 1]) == 1 then
    jobs[#jobs + 1] = ARGV[i + 1]
    if redis.call('EXISTS', key) == 0 then
      local turn = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[i]))
      redis.call('ZREM', KEYS[2], ARGV[i])
      if turn and turn > pass then redis.call('ZADD', KEYS[3], turn, ARGV[i]) end
    end
  end
end
if #jobs > 0 then
  redis.call('HINCRBY', KEYS[1], 'size', -#jobs)
  ${FORGET_WHEN_EMPTY}
end
return jobs
`;
