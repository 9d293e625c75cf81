import { type CircuitBreaker, CircuitOpenError, circuitBreaker, consecutive, failureRate, shield } from 'escudo'
import { fleet } from 'escudo/redis'
import { describe, expect, test } from 'vitest'
import { LIBRARIES } from './helpers/clients.ts'
import { redisForTests } from './helpers/fixture.ts'
import { until } from './helpers/redis.ts'

const redis = redisForTests()
const { closing } = redis

// How soon all of this happens is tested on virtual time, in fleet/state/test.

/** A service of several instances, all in this process. */
async function serviceOf(count: number, connect: (typeof LIBRARIES)[number]['connect'], openFor = 300) {
  let isUp = true
  let probes = 0
  const broken = new Set<number>()
  const instances = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const { client, close } = await connect(redis.server)
      const shared = fleet({ client, instance: `i${index}`, timeout: '5s' })
      closing.push(() => shared.close().then(close))
      const breaker: CircuitBreaker = circuitBreaker({ trip: consecutive(2), openFor, shared })
      const inventory = shield('inventory', breaker)
      const call = async (): Promise<unknown> =>
        inventory
          .run(() => {
            if (breaker.state === 'half-open') probes += 1
            if (!isUp || broken.has(index)) throw new Error('down')
            return 'up'
          })
          .catch((error: unknown) => error)
      return { breaker, shared, call, inventory }
    }),
  )
  // Each instance has been seen once before anything goes wrong.
  const first = instances[0] as (typeof instances)[number]
  await until(
    async () => (await first.shared.status()).circuits[0]?.instances.length === count,
    'all instances are members',
  )
  return {
    instances,
    first,
    broken,
    states: () => instances.map(({ breaker }) => breaker.state),
    all: (state: string) => instances.every(({ breaker }) => breaker.state === state),
    callAll: () => Promise.all(instances.map(({ call }) => call())),
    setUp: (value: boolean) => {
      isUp = value
    },
    probes: () => probes,
  }
}

describe.each(LIBRARIES)('a shared circuit over $name', ({ connect }) => {
  test('opens everywhere, and says who voted', async () => {
    const { instances, broken, callAll, all, first } = await serviceOf(5, connect, 60_000)
    for (const index of [2, 3, 4]) broken.add(index)
    await callAll()
    await callAll()
    await until(() => all('open'), 'all circuits are open')
    const error = (await first.call()) as CircuitOpenError
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(error.reason).toMatch(/^fleet: 3 of 5$/)
    expect(error.retryAfterMs).toBeGreaterThan(50_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(new Set(instances.map(({ breaker }) => breaker.state))).toEqual(new Set(['open']))
  })

  test('one bad instance opens no other circuit', async () => {
    const { broken, callAll, states } = await serviceOf(4, connect, 60_000)
    broken.add(0)
    for (let round = 0; round < 15; round += 1) {
      await callAll()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(states()).toEqual(['open', 'closed', 'closed', 'closed'])
  })

  test('one instance probes for all, and its success closes all circuits', async () => {
    const { instances, callAll, all, setUp, probes, first } = await serviceOf(5, connect)
    setUp(false)
    await callAll()
    await callAll()
    // Until an instance knows of the others, its circuit is separate.
    const follows = ({ inventory }: (typeof instances)[number]): boolean =>
      String(inventory.status().policies[0]?.['reason']).startsWith('fleet')
    await until(() => instances.every(follows), 'all circuits are those of the fleet')
    const generation = async (): Promise<number> => (await first.shared.status()).circuits[0]?.generation ?? 0
    const before = { probes: probes(), generation: await generation() }
    const endMs = performance.now() + 2_000
    while (performance.now() < endMs) {
      await callAll()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    // Each probe that fails begins a new generation; this instance may not have heard of the last ones yet.
    expect(probes() - before.probes).toBeGreaterThan(2)
    await until(async () => (await generation()) - before.generation >= probes() - before.probes, 'one probe for each')
    setUp(true)
    const atRecovery = probes()
    await until(async () => {
      await callAll()
      return probes() > atRecovery
    }, 'the next probe')
    await until(() => all('closed'), 'all circuits are closed')
    expect(probes()).toBe(atRecovery + 1)
  })

  test('isolate and reset reach every instance, and those that start later', async () => {
    const { first, all } = await serviceOf(3, connect)
    await first.shared.isolate('inventory')
    await until(() => all('isolated'), 'all circuits are isolated')
    const { client, close } = await connect(redis.server)
    const shared = fleet({ client })
    closing.push(() => shared.close().then(close))
    const late = circuitBreaker({ shared })
    shield('inventory', late)
    await until(() => late.state === 'isolated', 'the late one is isolated')
    await first.shared.reset('inventory')
    await until(() => all('closed') && late.state === 'closed', 'all circuits are closed')
  })

  test('the status shows every instance', async () => {
    const { first } = await serviceOf(3, connect)
    const { instance, instances, connected, circuits } = await first.shared.status()
    expect({ instance, instances, connected }).toEqual({ instance: 'i0', instances: 3, connected: true })
    expect(circuits).toEqual([
      {
        shield: 'inventory',
        policy: 'circuitBreaker',
        generation: 0,
        instances: ['i0', 'i1', 'i2'].map((name) => ({ instance: name, state: 'closed' })),
      },
    ])
  })

  test('every key has a time to live', async () => {
    await serviceOf(3, connect)
    for (const key of await redis.admin.keys('*')) expect(await redis.admin.pttl(key), key).toBeGreaterThan(0)
  })
})

describe('a shared circuit', () => {
  test('after the fleet is closed, each circuit recovers alone', async () => {
    const { instances, callAll, all, setUp } = await serviceOf(3, LIBRARIES[0]?.connect as never)
    setUp(false)
    await callAll()
    await callAll()
    await until(() => all('open'), 'all circuits are open')
    await Promise.all(instances.map(({ shared }) => shared.close()))
    setUp(true)
    await until(async () => {
      await callAll()
      return all('closed')
    }, 'all circuits are closed')
  })

  test('rejects options that do not fit', async () => {
    const client = redis.server.client()
    const shared = fleet({ client })
    closing.push(() => shared.close().then(() => client.disconnect()))
    expect(() => circuitBreaker({ shared, perKey: {} })).toThrow('circuitBreaker.shared')
    expect(() => circuitBreaker({ quorum: 0.5 })).toThrow('circuitBreaker.quorum')
    expect(() => circuitBreaker({ shared, quorum: 0 })).toThrow('circuitBreaker.quorum')
    expect(() => circuitBreaker({ shared: {} as never })).toThrow('circuitBreaker.shared')
    expect(() => fleet({ client: {} as never })).toThrow('fleet.client')
    expect(() => circuitBreaker({ shared, trip: failureRate() })).not.toThrow()
  })
})
