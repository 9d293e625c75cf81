import { HOLD_MS } from '../state/held-permits.ts'
import { NOW } from './now.ts'

/** The field with the sums of a semaphore. The name of an instance in the key contains a `#`. */
const SUMS = 'sums'
/** How long the key lives at least and at most after a question: it is renewed once in the difference. */
const [TTL_MS_MIN, TTL_MS_MAX] = [HOLD_MS, HOLD_MS + 1_000]
/** The formats of the fields, for `struct`: doubles. */
const [ENTRY, ALL] = ['<ddddd', '<ddddddd']

/**
 * Receives an instance's question about a semaphore, and answers it.
 *
 * The hash has one field per instance that holds or wants permits: when it ends, the number of its last question, how many
 * permits it holds, how many more it wants, and since when. All permits together are never more than the limit. While
 * others wait, an instance gets at most its part, and those that have waited longer with no permit come first.
 *
 * An exact bulkhead asks for each call. So the field `sums` has what the fields of all instances say together, and most
 * questions read and write two fields: how many instances there are, how many permits they hold, how many more they want,
 * how many wait with no permit; before that, when the first field may end, since when an instance waits at the latest
 * (or else when the last question came), and when the key was renewed. A question reads all fields if one may have ended,
 * if the clock has not advanced, and if it must compare how long two instances have waited.
 *
 * The fields are binary, because to write and read text takes as long as all the rest of the script. For the same reason
 * most of it calls no function of Lua, and an instance that is alone gets one number.
 *
 * KEYS: the semaphore. ARGV: the instance, the fields of a PermitQuestion in their order, and the limit.
 * Returns: the fields of a PermitAnswer in their order; only the first one if no other instance holds or wants permits.
 */
export const PERMITS: string = `${NOW}
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local id, number, held, want, limit = ARGV[1], ARGV[2] + 0, ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0
local lasts, key = ${HOLD_MS * 1_000}, KEYS[1]
local texts = call('HMGET', key, id, '${SUMS}')
local own, all = texts[1], texts[2]
local since, had, lacked, starved = now, 0, 0, 0
if own then
  local ends, last, from
  ends, last, had, lacked, from = unpack('${ENTRY}', own)
  if had == 0 and lacked > 0 then starved = 1 end
  if ends > now then
    if number <= last then return had end
    if starved == 1 and from < now then since = from end
  end
end
local first, latest, renewed, members, others, wanted, starving = 0, now, 0, 0, 0, 0, 0
if all then
  first, latest, renewed, members, others, wanted, starving = unpack('${ALL}', all)
  if own then members = members - 1 end
  others, wanted, starving = others - had, wanted - lacked, starving - starved
end
local ahead = starving
if now >= first or now <= latest or starved == 1 and starving > 0 then
  first, latest, renewed, members, others, wanted, starving, ahead = now + lasts, now, 0, 0, 0, 0, 0, 0
  local flat = call('HGETALL', key)
  for i = 1, #flat, 2 do
    local name = flat[i]
    if name ~= id and name ~= '${SUMS}' then
      local ends, last, has, wants, from = unpack('${ENTRY}', flat[i + 1])
      if ends <= now then
        call('HDEL', key, name)
      else
        if ends > now + lasts then
          ends = now + lasts
          call('HSET', key, name, pack('${ENTRY}', ends, last, has, wants, from))
        end
        if ends < first then first = ends end
        members, others, wanted = members + 1, others + has, wanted + wants
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
local free = limit - others
if free < 0 then free = 0 end
local keep = held
if keep > free then keep = free end
free = free - keep
local grant = want
if wanted > 0 then
  free = free - ahead
  local part = math.ceil(limit / (members + 1)) - keep
  if keep == 0 and part < 1 then part = 1 end
  if grant > part then grant = part end
end
if grant > free then grant = free end
if grant < 0 then grant = 0 end
local has, lacks = keep + grant, want - grant
local renews = now >= renewed + ${(TTL_MS_MAX - TTL_MS_MIN) * 1_000}
if renews then renewed = now end
if has > 0 or lacks > 0 then
  if lacks == 0 then since = 0 end
  local waits = has == 0 and 1 or 0
  call('HSET', key, id, pack('${ENTRY}', now + lasts, number, has, lacks, since),
    '${SUMS}', pack('${ALL}', first, latest, renewed, members + 1, others + has, wanted + lacks, starving + waits))
elseif members > 0 then
  call('HDEL', key, id)
  call('HSET', key, '${SUMS}', pack('${ALL}', first, latest, renewed, members, others, wanted, starving))
else
  call('DEL', key)
  renews = false
end
if renews then call('PEXPIRE', key, ${TTL_MS_MAX}) end
if members == 0 then return has end
return { has, wanted, members + 1 }`

/** Returns each instance that holds or wants permits, how many it holds and how many more it wants. KEYS: the semaphore. */
export const HOLDERS: string = `${NOW}
local flat, holders = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #flat, 2 do
  if flat[i] ~= '${SUMS}' then
    local ends, _, has, wants = struct.unpack('${ENTRY}', flat[i + 1])
    if ends > now then
      holders[#holders + 1] = flat[i]
      holders[#holders + 1] = has
      holders[#holders + 1] = wants
    end
  end
end
return holders`
