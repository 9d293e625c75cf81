import { NOW } from './now.ts'

/**
 * Takes one permit of a rate limit, for a call that waits for the answer.
 *
 * It does what `LIMIT` does for one wanted permit, with less text and one number as the answer: each call runs it.
 *
 * KEYS: the limit. ARGV: microseconds per permit, microseconds of the whole burst.
 * Returns: 0 with a permit, else the microseconds until the next one.
 */
export const EXACT: string = `${NOW}
local per, size = ARGV[1] + 0, ARGV[2] + 0
local full = (redis.call('GET', KEYS[1]) or 0) + 0
if full < now then
  full = now
elseif full > now + size then
  full = now + size + -size % 1
end
if (size - (full - now)) / per + 0.000001 < 1 then
  local wait = full + per - size - now
  if wait < 1 then return 1 end
  return wait + -wait % 1
end
local step = per + -per % 1
full = full + step
local lives = (full - now) / 1000
redis.call('SET', KEYS[1], full, 'PX', lives - lives % 1 + 2)
return 0`
