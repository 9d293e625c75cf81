import { setTimeout as pause } from 'node:timers/promises'
import { bulkhead, rateLimiter, type Shield, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import type { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import { EXACT } from '../../packages/escudo/src/fleet/scripts/exact.ts'
import { PERMITS } from '../../packages/escudo/src/fleet/scripts/permits.ts'
import type { RedisServer } from '../../test/fleet/helpers/redis.ts'

/** One way to limit calls, and its samples: one per round. */
export interface Measured {
  readonly name: string
  /** The names of the cases that it is compared with. */
  readonly bases: readonly string[]
  /** The median time of a call that waits for Redis, in microseconds. Empty if no call waits. */
  readonly p50Us: number[]
  /** The processor time of this process for a call, in microseconds. */
  readonly cpuUs: number[]
}

interface Case extends Measured {
  readonly call: () => Promise<unknown>
  /** How many calls a round makes, one after the other. */
  readonly calls: number
}

// Never reached: refusals are not measured.
const LIMIT = 1_000_000
const EXACT_CALLS = 400
const LOCAL_CALLS = 20_000
const BARE = "EVALSHA of the limiter's script"
const BARE_PERMITS = "EVALSHA of the bulkhead's script"

/** Measures each case in each round, one after the other, over one server. */
export async function measure(server: RedisServer, rounds: number): Promise<readonly Measured[]> {
  const client = server.client()
  const shared = fleet({ client, timeout: '5s' })
  const options = { limit: LIMIT, per: '1s', maxWait: '1s' } as const
  const local = shield('local', rateLimiter(options))
  const leased = shield('leased', rateLimiter({ ...options, shared }))
  const exact = shield('exact', rateLimiter({ ...options, shared, exact: true }))
  const load = async (text: string): Promise<string> => String(await client.script('LOAD', text))
  const [limiterSha, bulkheadSha] = [await load(EXACT), await load(PERMITS)]
  const flexible = new RateLimiterRedis({ storeClient: client, points: LIMIT, duration: 1, keyPrefix: 'flexible' })
  const permits = { limit: 100, queue: 10, maxWait: '1s' } as const
  const bulkheads = {
    local: shield('local permits', bulkhead(permits)),
    held: shield('held permits', bulkhead({ ...permits, shared })),
    exact: shield('exact permits', bulkhead({ ...permits, shared, exact: true })),
  }
  await pause(200)
  const run = (limited: Shield) => (): Promise<unknown> => limited.run(() => undefined)
  // As an exact bulkhead asks: it holds no permit, and wants one.
  let question = 0
  const askForPermit = (): Promise<unknown> => {
    question += 1
    return client.evalsha(bulkheadSha, 1, 'bare:permits', `${shared.instance}#12345678`, question, 0, 1, permits.limit)
  }
  const cases: readonly Case[] = [
    newCase(BARE, BARE, EXACT_CALLS, () => client.evalsha(limiterSha, 1, 'bare', 1, LIMIT)),
    newCase(BARE_PERMITS, BARE, EXACT_CALLS, askForPermit),
    newCase('rateLimiter, exact', BARE, EXACT_CALLS, run(exact)),
    newCase('rate-limiter-flexible', BARE, EXACT_CALLS, () => flexible.consume('all')),
    newCase('bulkhead, exact', [BARE_PERMITS, BARE], EXACT_CALLS, run(bulkheads.exact)),
    newCase('rateLimiter, one process', 'rateLimiter, one process', LOCAL_CALLS, run(local)),
    newCase('rateLimiter, leased', 'rateLimiter, one process', LOCAL_CALLS, run(leased)),
    newCase('bulkhead, one process', 'bulkhead, one process', LOCAL_CALLS, run(bulkheads.local)),
    newCase('bulkhead, held in advance', 'bulkhead, one process', LOCAL_CALLS, run(bulkheads.held)),
  ]
  for (const one of cases) await round(one, [], [])
  for (let count = 0; count < rounds; count += 1) {
    for (const one of cases) await round(one, one.p50Us, one.cpuUs)
  }
  await shared.close()
  client.disconnect()
  return cases
}

/** Returns the share of calls that reach Redis, at 10,000 calls per second for a while. */
export async function shareOfQuestions(server: RedisServer, seconds: number): Promise<number> {
  const client = server.client()
  const shared = fleet({ client })
  const limited = shield('paced', rateLimiter({ limit: 20_000, per: '1s', maxWait: '1s', shared }))
  await pause(1_000)
  const before = await scriptsOf(client)
  let calls = 0
  const startMs = performance.now()
  while (performance.now() - startMs < seconds * 1_000) {
    for (; calls < (performance.now() - startMs) * 10; calls += 1) await limited.run(() => undefined)
    await pause(1)
  }
  const questions = (await scriptsOf(client)) - before
  await shared.close()
  client.disconnect()
  return questions / calls
}

function newCase(name: string, base: string | readonly string[], calls: number, call: () => Promise<unknown>): Case {
  return { name, bases: [base].flat(), calls, call, p50Us: [], cpuUs: [] }
}

async function round({ calls, call }: Case, p50Us: number[], cpuUs: number[]): Promise<void> {
  const waits = calls === EXACT_CALLS
  const samples = new Float64Array(waits ? calls : 0)
  const before = process.cpuUsage()
  for (let count = 0; count < calls; count += 1) {
    const startMs = waits ? performance.now() : 0
    await call()
    if (waits) samples[count] = performance.now() - startMs
  }
  const { user, system } = process.cpuUsage(before)
  cpuUs.push((user + system) / calls)
  if (waits) p50Us.push((samples.sort()[calls >> 1] as number) * 1_000)
}

async function scriptsOf(client: Redis): Promise<number> {
  const stats = await client.info('commandstats')
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
}
