import { NOW } from './now.ts'

/**
 * Says that an instance lives, and counts all that do.
 *
 * KEYS: the set of instances. ARGV: the instance, for how many milliseconds; 0 removes it. Returns the number of instances.
 */
export const PRESENCE: string = `${NOW}
local ttl = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now / 1000))
if ttl > 0 then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now / 1000 + ttl), ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ttl)
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
return redis.call('ZCARD', KEYS[1])`
