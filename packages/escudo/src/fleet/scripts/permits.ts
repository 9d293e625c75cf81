import { HOLD_MS } from '../state/held-permits.ts'
import { NOW } from './now.ts'

/**
 * Receives an instance's question about a semaphore, and answers it.
 *
 * The hash has one field per instance that holds or wants permits: when it ends, the number of its last question, how many permits it holds, how many
 * more it wants, and since when. All permits together are never more than the limit. While others wait, an instance gets
 * at most its part, and those that have waited longer with no permit come first.
 *
 * KEYS: the semaphore. ARGV: the instance, the fields of a PermitQuestion in their order, and the limit.
 * Returns: the fields of a PermitAnswer in their order.
 */
export const PERMITS: string = `${NOW}
local id, number, held, want, limit = ARGV[1], ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0
local lasts = ${HOLD_MS * 1_000}
local flat = redis.call('HGETALL', KEYS[1])
local members, others, wanted, since, starving, late = 1, 0, 0, now, {}, nil
for i = 1, #flat, 2 do
  local name = flat[i]
  local ends, last, has, wants, from = string.match(flat[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  ends, has, wants, from = ends + 0, has + 0, wants + 0, from + 0
  if name == id then
    if ends > now and number <= last + 0 then late = has end
    if ends > now and has == 0 and wants > 0 and from < now then since = from end
  elseif ends <= now then
    redis.call('HDEL', KEYS[1], name)
  else
    if ends > now + lasts then
      redis.call('HSET', KEYS[1], name, string.format('%.0f %s %d %d %.0f', now + lasts, last, has, wants, from))
    end
    members = members + 1
    others = others + has
    wanted = wanted + wants
    if has == 0 and wants > 0 then starving[#starving + 1] = from end
  end
end
if late then return { late, 0, 1 } end
local free = math.max(0, limit - others)
local keep = math.min(held, free)
free = free - keep
local grant = want
if wanted > 0 then
  for i = 1, #starving do
    if starving[i] < since then free = free - 1 end
  end
  grant = math.min(grant, math.max(keep == 0 and 1 or 0, math.ceil(limit / members) - keep))
end
grant = math.max(0, math.min(grant, free))
local has, lacks = keep + grant, want - grant
if has > 0 or lacks > 0 then
  local entry = string.format('%.0f %.0f %d %d %.0f', now + lasts, number, has, lacks, lacks > 0 and since or 0)
  redis.call('HSET', KEYS[1], id, entry)
else
  redis.call('HDEL', KEYS[1], id)
end
redis.call('PEXPIRE', KEYS[1], ${HOLD_MS + 1_000})
return { has, wanted, members }`
