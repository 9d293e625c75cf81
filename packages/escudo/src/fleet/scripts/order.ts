import { ORDER_TTL_MS } from './circuit.ts'
import { NOW } from './now.ts'

/**
 * Isolates or resets a circuit for the whole fleet.
 *
 * A reset closes the circuit, also if the fleet has opened it. KEYS: the circuit. ARGV: `1` to isolate, `0` to reset.
 */
export const ORDER: string = `${NOW}
redis.call('HSET', KEYS[1], 'x', ARGV[1])
local order = math.max(tonumber(redis.call('HGET', KEYS[1], 'r') or '0') + 1, math.floor(now / 1000))
redis.call('HSET', KEYS[1], 'r', string.format('%.0f', order))
if ARGV[1] == '0' and redis.call('HGET', KEYS[1], 'o') == '1' then
  redis.call('HINCRBY', KEYS[1], 'g', 1)
  redis.call('HSET', KEYS[1], 'o', '0', 'p', '')
end
redis.call('PEXPIRE', KEYS[1], ${ORDER_TTL_MS})
return string.format('%.0f', order)`

/** Returns all members of a circuit, as text. KEYS: the circuit. */
export const MEMBERS: string = `${NOW}
local flat, members = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #flat, 2 do
  local ends, state = string.match(flat[i + 1], '^(%d+) %d+ %d %d ([%a-]+)')
  if string.sub(flat[i], 1, 2) == 'm:' and tonumber(ends) > now then
    members[#members + 1] = string.sub(flat[i], 3)
    members[#members + 1] = state
  end
end
return members`
