import { HOLD_MS } from '../state/held-permits.ts'
import { NOW } from './now.ts'

/** The field with the sums of a semaphore. The name of an instance in the key contains a `#`. */
const SUMS = 'sums'
/** How long the key lives at least and at most after a question: it is renewed once in the difference. */
const [TTL_MS_MIN, TTL_MS_MAX] = [HOLD_MS, HOLD_MS + 1_000]

/**
 * Receives an instance's question about a semaphore, and answers it.
 *
 * The hash has one field per instance that holds or wants permits: when it ends, the number of its last question, how many permits it holds, how many
 * more it wants, and since when. All permits together are never more than the limit. While others wait, an instance gets
 * at most its part, and those that have waited longer with no permit come first.
 *
 * An exact bulkhead asks for each call. So the field `sums` has what the fields of all instances say together, and most
 * questions read and write two fields: how many instances there are, how many permits they hold, how many more they want,
 * how many wait with no permit; before that, when the first field may end, since when an instance waits at the latest
 * (or else when the last question came), and when the key was renewed. A question reads all fields if one may have ended,
 * if the clock has not advanced, and if it must compare how long two instances have waited.
 *
 * KEYS: the semaphore. ARGV: the instance, the fields of a PermitQuestion in their order, and the limit.
 * Returns: the fields of a PermitAnswer in their order.
 */
export const PERMITS: string = `${NOW}
local id, number, held, want, limit = ARGV[1], ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0
local lasts, key = ${HOLD_MS * 1_000}, KEYS[1]
local texts = redis.call('HMGET', key, id, '${SUMS}')
local since, had, lacked, starved = now, 0, 0, 0
if texts[1] then
  local ends, last, has, wants, from = string.match(texts[1], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  had, lacked, from = has + 0, wants + 0, from + 0
  if had == 0 and lacked > 0 then starved = 1 end
  if ends + 0 > now then
    if number <= last + 0 then return { had, 0, 1 } end
    if starved == 1 and from < now then since = from end
  end
end
local first, latest, renewed, members, others, wanted, starving = 0, now, 0, 0, 0, 0, 0
if texts[2] then
  first, latest, renewed, members, others, wanted, starving =
    string.match(texts[2], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  first, latest, renewed = first + 0, latest + 0, renewed + 0
  members = texts[1] and members - 1 or members + 0
  others, wanted, starving = others - had, wanted - lacked, starving - starved
end
local ahead = starving
if now >= first or now <= latest or starved == 1 and starving > 0 then
  first, latest, renewed, members, others, wanted, starving, ahead = now + lasts, now, 0, 0, 0, 0, 0, 0
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    local name = flat[i]
    if name ~= id and name ~= '${SUMS}' then
      local ends, last, has, wants, from = string.match(flat[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
      ends, has, wants, from = ends + 0, has + 0, wants + 0, from + 0
      if ends <= now then
        redis.call('HDEL', key, name)
      else
        if ends > now + lasts then
          ends = now + lasts
          redis.call('HSET', key, name, string.format('%.0f %s %d %d %.0f', ends, last, has, wants, from))
        end
        if ends < first then first = ends end
        members = members + 1
        others = others + has
        wanted = wanted + wants
        if has == 0 and wants > 0 then
          starving = starving + 1
          if from < since then ahead = ahead + 1 end
          if from > latest then latest = from end
        end
      end
    end
  end
end
if latest < now then latest = now end
local free = math.max(0, limit - others)
local keep = math.min(held, free)
free = free - keep
local grant = want
if wanted > 0 then
  free = free - ahead
  grant = math.min(grant, math.max(keep == 0 and 1 or 0, math.ceil(limit / (members + 1)) - keep))
end
grant = math.max(0, math.min(grant, free))
local has, lacks = keep + grant, want - grant
local renews = now >= renewed + ${(TTL_MS_MAX - TTL_MS_MIN) * 1_000}
if renews then renewed = now end
local function sums(count, permits, more, waiting)
  return string.format('%.0f %.0f %.0f %d %d %d %d', first, latest, renewed, count, permits, more, waiting)
end
if has > 0 or lacks > 0 then
  local entry = string.format('%.0f %.0f %d %d %.0f', now + lasts, number, has, lacks, lacks > 0 and since or 0)
  local all = sums(members + 1, others + has, wanted + lacks, starving + (has == 0 and 1 or 0))
  redis.call('HSET', key, id, entry, '${SUMS}', all)
elseif members > 0 then
  redis.call('HDEL', key, id)
  redis.call('HSET', key, '${SUMS}', sums(members, others, wanted, starving))
else
  redis.call('DEL', key)
  renews = false
end
if renews then redis.call('PEXPIRE', key, ${TTL_MS_MAX}) end
return { has, wanted, members + 1 }`

/** Returns each instance that holds or wants permits, how many it holds and how many more it wants. KEYS: the semaphore. */
export const HOLDERS: string = `${NOW}
local flat, holders = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #flat, 2 do
  if flat[i] ~= '${SUMS}' then
    local ends, has, wants = string.match(flat[i + 1], '^(%d+) %d+ (%d+) (%d+) ')
    if ends + 0 > now then
      holders[#holders + 1] = flat[i]
      holders[#holders + 1] = has
      holders[#holders + 1] = wants
    end
  end
end
return holders`
