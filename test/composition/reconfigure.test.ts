import {
  bulkhead,
  circuitBreaker,
  consecutive,
  constant,
  fallback,
  isRefusal,
  rateLimiter,
  retry,
  type Shield,
  seededRandom,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const down = new Error('down')

/** Makes random new options, none of which can fail a call: queues and times are long. */
function randomOptions(random: () => number): Parameters<Shield['reconfigure']>[0] {
  const whole = (max: number): number => 1 + Math.floor(random() * max)
  const all = {
    total: { after: 3_600_000 + whole(1_000) },
    retry: { maxRetries: whole(3), backoff: constant(whole(20)) },
    circuitBreaker: { trip: consecutive(1_000_000 + whole(10)), openFor: whole(100) },
    rateLimiter: { limit: 1_000 * whole(10), burst: 1_000 * whole(10), maxWait: 3_600_000 },
    bulkhead: { limit: whole(20), queue: 10_000 },
    attempt: { after: 60_000 + whole(1_000) },
  }
  return Object.fromEntries(Object.entries(all).filter(() => random() < 0.5))
}

const load = (clock?: ReturnType<typeof virtualClock>) =>
  shield(
    clock === undefined ? 'load' : { name: 'load', clock },
    timeout('1h', { name: 'total' }),
    retry({ maxRetries: 3, backoff: constant(5) }),
    circuitBreaker({ trip: consecutive(1_000_000) }),
    rateLimiter({ limit: 1_000, per: '1s', maxWait: '1h' }),
    bulkhead({ limit: 10, queue: 10_000 }),
    timeout('1m', { name: 'attempt' }),
  )

const bulkheadOf = (s: Pick<Shield, 'status'>): { inUse: number; queued: number; limit: number } =>
  s.status().policies.find(({ type }) => type === 'bulkhead') as never

test('1,000 changes under load lose and invent no permit, and fail no call', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(1_000_000), async (seed) => {
      const random = seededRandom(seed)
      const clock = virtualClock()
      const s = load(clock)
      let running = 0
      const results: Promise<unknown>[] = []
      for (let change = 0; change < 1_000; change += 1) {
        for (let n = Math.floor(random() * 3); n > 0; n -= 1) {
          let attempts = 0
          const ms = random() * 30
          const failures = random() < 0.2 ? 1 : 0
          const operation = async (): Promise<string> => {
            running += 1
            attempts += 1
            await new Promise<void>((resolve) => void clock.setTimer(resolve, ms))
            running -= 1
            if (attempts <= failures) throw down
            return 'done'
          }
          results.push(s.run(operation).catch((error) => error))
        }
        s.reconfigure(randomOptions(random))
        await clock.advance(Math.floor(random() * 10))
        const { inUse, queued, limit } = bulkheadOf(s)
        expect(inUse).toBe(running)
        if (queued > 0) expect(inUse).toBeGreaterThanOrEqual(limit)
      }
      await clock.advance('2h')
      for (const result of await Promise.all(results)) expect(result).toBe('done')
      expect(bulkheadOf(s)).toMatchObject({ inUse: 0, queued: 0 })
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 20 },
  )
}, 60_000)

test('the same on real time, for a second', async () => {
  const random = seededRandom(3)
  const s = load()
  let running = 0
  const results: Promise<unknown>[] = []
  for (let change = 0; change < 1_000; change += 1) {
    const operation = async (): Promise<string> => {
      running += 1
      await new Promise((resolve) => setTimeout(resolve, random() * 5))
      running -= 1
      return 'done'
    }
    results.push(s.run(operation))
    s.reconfigure(randomOptions(random))
    if (change % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const result of await Promise.all(results)) expect(result).toBe('done')
  expect([running, bulkheadOf(s).inUse]).toEqual([0, 0])
}, 30_000)

/** The options of one policy that tell one shield from another, and the shield that is built with them. */
const policies = {
  retry: {
    options: fc.record({ maxRetries: fc.nat(4), backoff: fc.nat(50).map((ms) => constant(ms)), maxTotal: fc.nat(300) }),
    make: (options: object) => retry(options),
  },
  timeout: {
    options: fc.record({ after: fc.integer({ min: 1, max: 100 }) }),
    make: (options: object) => timeout((options as { after: number }).after),
  },
  bulkhead: {
    options: fc.record({
      limit: fc.integer({ min: 1, max: 5 }),
      queue: fc.nat(5),
      maxWait: fc.integer({ min: 1, max: 100 }),
    }),
    make: (options: object) => bulkhead(options as never),
  },
  rateLimiter: {
    options: fc.record({
      limit: fc.integer({ min: 1, max: 20 }),
      per: fc.integer({ min: 50, max: 1_000 }),
      burst: fc.integer({ min: 1, max: 5 }),
      maxWait: fc.nat(200),
    }),
    make: (options: object) => rateLimiter(options as never),
  },
  circuitBreaker: {
    options: fc.record({
      trip: fc.integer({ min: 1, max: 5 }).map((n) => consecutive(n)),
      openFor: fc.integer({ min: 1, max: 100 }),
      halfOpen: fc.record({ probes: fc.integer({ min: 1, max: 3 }), closeAt: fc.constantFrom(0.5, 1) }),
      mode: fc.constantFrom('enforce' as const, 'observe' as const),
      ramp: fc.constantFrom(undefined, { steps: [0.3, 0.7], each: 50 }),
    }),
    make: (options: object) => circuitBreaker(options),
  },
  fallback: {
    options: fc.record({
      when: fc.boolean().map((when) => () => when),
      classify: fc.constantFrom(undefined, () => 'failure' as const),
    }),
    make: (options: object) => fallback('substitute', options),
  },
}

const steps = fc.array(fc.record({ waitMs: fc.nat(60), takesMs: fc.nat(60), fails: fc.boolean() }), { maxLength: 25 })

/** Runs the same calls; returns what each did and when, and the status after each. */
async function trace(
  s: Pick<Shield, 'run' | 'status'>,
  clock: ReturnType<typeof virtualClock>,
  calls: readonly { waitMs: number; takesMs: number; fails: boolean }[],
) {
  const log: unknown[] = []
  for (const [index, { waitMs, takesMs, fails }] of calls.entries()) {
    const operation = (): Promise<string> =>
      new Promise((resolve, reject) => void clock.setTimer(() => (fails ? reject(down) : resolve('value')), takesMs))
    s.run(operation).then(
      (value) => log.push([index, clock.now(), value]),
      (error) => log.push([index, clock.now(), isRefusal(error) ? [error.code, error.retryAfterMs] : String(error)]),
    )
    await clock.advance(waitMs)
    log.push(s.status().policies)
  }
  await clock.advance('1m')
  log.push(s.status().policies)
  return log
}

test.each(Object.entries(policies))(
  '%s: with new options it behaves as one that was built with them',
  async (name, { options, make }) => {
    await fc.assert(
      fc.asyncProperty(
        options as fc.Arbitrary<object>,
        options as fc.Arbitrary<object>,
        steps,
        async (before, after, calls) => {
          const random = (): number => 0.5
          const [clock, other] = [virtualClock(), virtualClock()]
          const start = name === 'rateLimiter' ? { ...before, burst: (after as { burst: number }).burst } : before
          const changed = shield({ name: 's', clock, random }, make(start) as never) as unknown as Shield
          changed.reconfigure({ [name]: after as never })
          const built = shield({ name: 's', clock: other, random }, make(after) as never) as unknown as Shield
          expect(await trace(changed, clock, calls)).toEqual(await trace(built, other, calls))
        },
      ),
      { numRuns: 300 },
    )
  },
  60_000,
)
