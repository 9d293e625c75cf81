import { NOW } from './now.ts'

/**
 * Grants and takes back permits of a rate limit.
 *
 * It is the generic cell rate algorithm: the key holds the instant at which the bucket is full again, in microseconds of
 * Redis' clock. Instants are rounded up, so no permit appears by rounding. Without the key the bucket is full.
 *
 * KEYS: the limit. ARGV: microseconds per permit, burst, permits wanted, permits given back.
 * Returns: permits granted, microseconds until the next permit.
 */
export const LIMIT: string = `${NOW}
local per, burst, want, back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local size = burst * per
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
full = math.min(math.max(full - math.floor(back * per), now), now + math.ceil(size))
local granted = math.max(0, math.min(want, math.floor((size - (full - now)) / per + 0.000001)))
full = full + math.ceil(granted * per)
if granted > 0 or back > 0 then
  if full > now then
    redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
  else
    redis.call('DEL', KEYS[1])
  end
end
local wait = 0
if granted < want then wait = math.max(0, math.ceil(full + per - size - now)) end
return { granted, wait }`
