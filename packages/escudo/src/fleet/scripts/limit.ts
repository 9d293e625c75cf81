import { NOW } from './now.ts'

/**
 * Grants and takes back permits of a rate limit.
 *
 * It is the generic cell rate algorithm: the key holds the instant at which the bucket is full again, in microseconds of
 * Redis' clock. Instants are rounded up, so no permit appears by rounding. Without the key the bucket is full.
 *
 * An exact limit runs it for each call: it calls no function of Lua, and `x % 1` rounds.
 *
 * KEYS: the limit. ARGV: microseconds per permit, burst, permits wanted, permits given back.
 * Returns: permits granted, microseconds until the next permit.
 */
export const LIMIT: string = `${NOW}
local per, want, back = ARGV[1] + 0, ARGV[3] + 0, ARGV[4] + 0
local size = ARGV[2] * per
local full = (redis.call('GET', KEYS[1]) or 0) + 0
if back > 0 then
  local returned = back * per
  full = full - (returned - returned % 1)
end
if full < now then
  full = now
elseif full > now + size then
  full = now + size + -size % 1
end
local granted = (size - (full - now)) / per + 0.000001
if granted >= want then
  granted = want
elseif granted > 0 then
  granted = granted - granted % 1
else
  granted = 0
end
if granted > 0 then
  local taken = granted * per
  full = full + taken + -taken % 1
end
if full > now and (granted > 0 or back > 0) then
  local lives = (full - now) / 1000
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', lives - lives % 1 + 2)
elseif back > 0 then
  redis.call('DEL', KEYS[1])
end
if granted == want then return { granted, 0 } end
local wait = full + per - size - now
if wait < 0 then wait = 0 end
return { granted, wait + -wait % 1 }`
