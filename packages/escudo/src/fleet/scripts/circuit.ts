import { HOLD_MS, HOLD_MS_MAX, MEMBER_MS, MEMBERS_MIN, PROBE_LEASE_MS, VOTES_MIN } from '../state/circuit-messages.ts'
import { NOW } from './now.ts'

// A key without members ends after this long. An order of an operator stays longer.
const TTL_MS = 60_000
/** How long an isolated circuit stays isolated without a living member, in milliseconds. */
export const ORDER_TTL_MS = 86_400_000

/**
 * Receives a member's question about its circuit, and answers it.
 *
 * The hash holds the fleet's circuit and one field per member:
 * g generation · o open · u when the open period ends · d its length · n number of the last lease · p its holder ·
 * e when it ends · s when it began · k leases of this open period · a whether another member has calls · v votes · w voters ·
 * x isolated · r number of the last order · `m:` and a member: when it ends, generation, vote, enough calls, state.
 *
 * KEYS: the circuit. ARGV: the member, and the fields of a CircuitQuestion in their order; times in microseconds.
 * Returns: the fields of a CircuitAnswer in their order.
 */
export const CIRCUIT: string = `${NOW}
local id, generation, isOpen, rest = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', tonumber(ARGV[4])
local vote, enough, want, lease, result = ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
local probing, openFor, quorum = ARGV[10] == '1', tonumber(ARGV[11]), tonumber(ARGV[12])
local flat = redis.call('HGETALL', KEYS[1])
local f, members = {}, {}
for i = 1, #flat, 2 do
  local name = flat[i]
  if string.sub(name, 1, 2) == 'm:' then members[name] = flat[i + 1] else f[name] = flat[i + 1] end
end
local function num(name) return tonumber(f[name] or '0') end
local set = {}
local function put(name, value)
  if type(value) == 'number' then value = string.format('%.0f', value) end
  f[name] = value
  set[name] = value
end
local gone = {}
local me = 'm:' .. id
local ttl = ${MEMBER_MS * 1_000}
for name, text in pairs(members) do
  local ends = tonumber(string.match(text, '^%d+'))
  if ends <= now or ends > now + ttl then
    gone[#gone + 1] = name
    members[name] = nil
  end
end
members[me] = string.format('%.0f', now + ttl) .. ' ' .. generation .. ' ' .. vote .. ' ' .. enough .. ' ' .. ARGV[13]
set[me] = members[me]
local function begin(open, length)
  put('g', num('g') + 1)
  put('o', open and 1 or 0)
  put('u', now + length)
  put('d', length)
  put('p', '')
  put('k', 0)
  put('a', 0)
end
if generation > num('g') then
  put('g', generation - 1)
  begin(isOpen, rest)
end
if num('n') < lease then put('n', lease) end
local current = lease > 0 and generation == num('g') and lease == num('n') and f.o == '1'
if current and result == 'success' then
  begin(false, 0)
elseif current and result == 'failure' then
  begin(true, openFor)
elseif current and result == 'released' and f.p == id then
  put('p', '')
end
if f.o ~= '1' then
  local live, voters, votes = 0, 0, 0
  for _, text in pairs(members) do
    local g, v, e = string.match(text, '^%d+ (%d+) (%d) (%d)')
    live = live + 1
    local counts = v == '1' and tonumber(g) == num('g')
    if counts then votes = votes + 1 end
    if counts or e == '1' then voters = voters + 1 end
  end
  if live >= ${MEMBERS_MIN} and votes >= ${VOTES_MIN} and votes >= quorum * voters then
    begin(true, openFor)
    put('v', votes)
    put('w', voters)
  end
end
local mine, release = 0, 0
if f.o == '1' then
  if num('u') - now > num('d') then put('u', now + num('d')) end
  local lasts = ${PROBE_LEASE_MS * 1_000}
  if f.p and f.p ~= '' and (num('e') <= now or num('e') > now + lasts) then put('p', '') end
  local free = not f.p or f.p == ''
  if result == 'none' and current and generation == num('g') and (free or f.p == id) then
    put('p', id)
    put('e', now + lasts)
    mine = num('n')
    if free then put('s', now) end
    local hold = math.min(${HOLD_MS * 1_000} * 2 ^ math.min(num('k'), 40), ${HOLD_MS_MAX * 1_000})
    if num('a') == 1 and not probing and (now >= num('s') + hold or now < num('s')) then release = 1 end
  elseif want > 0 and free and now >= num('u') then
    put('n', num('n') + 1)
    put('p', id)
    put('e', now + lasts)
    put('s', now)
    put('k', num('k') + 1)
    put('a', 0)
    mine = num('n')
  elseif want == 2 and not free and f.p ~= id then
    put('a', 1)
  end
end
local flatSet = {}
for name, value in pairs(set) do
  flatSet[#flatSet + 1] = name
  flatSet[#flatSet + 1] = value
end
redis.call('HSET', KEYS[1], unpack(flatSet))
for i = 1, #gone do
  if gone[i] ~= me then redis.call('HDEL', KEYS[1], gone[i]) end
end
local left = ${TTL_MS} + math.ceil(math.max(0, num('u') - now) / 1000)
if f.x == '1' then left = math.max(left, ${ORDER_TTL_MS}) end
redis.call('PEXPIRE', KEYS[1], left)
local function text(number) return string.format('%.0f', number) end
return {
  text(num('g')), f.o == '1' and 1 or 0, text(f.o == '1' and math.max(0, num('u') - now) or 0),
  text(num('v')), text(num('w')), text(mine), release, f.x == '1' and 1 or 0, text(num('r'))
}`
