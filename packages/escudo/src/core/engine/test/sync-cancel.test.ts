import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { AnyPolicy, Call, Clock, Operation, Shield } from '../../../index.ts'
import {
  adaptiveLimiter,
  bulkhead,
  cache,
  circuitBreaker,
  coalesce,
  constant,
  definePolicy,
  fallback,
  hedge,
  rateLimiter,
  retry,
  shield,
  timeout,
} from '../../../index.ts'

// An operation may cancel its own call before it returns its promise: it aborts its caller's signal, or it runs so long
// that a timer fires inside it. Its work still runs then, and the permits outside keep the permit until it settles.

const customPolicy = (): AnyPolicy =>
  definePolicy({ name: 'custom', wrap: (next) => async (call, operation) => await next(call, operation) })

const shielded = (clock: Clock, ...policies: AnyPolicy[]): Shield =>
  shield({ name: 's', clock }, ...(policies as never[])) as unknown as Shield

/** A clock whose timers fire inside `advance`, so that an operation can let its own timeout fire. */
function syncClock(): Clock & { advance(ms: number): void } {
  const timers = new Set<{ dueMs: number; fire: () => void }>()
  let nowMs = 0
  return {
    now: () => nowMs,
    setTimer(fire, delayMs) {
      const timer = { dueMs: nowMs + delayMs, fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      nowMs += ms
      for (const timer of [...timers]) {
        if (timer.dueMs > nowMs || !timers.delete(timer)) continue
        timer.fire()
      }
    },
  }
}

type Cancel = (clock: ReturnType<typeof syncClock>, controller: AbortController) => void
const cancels: [string, Cancel][] = [
  ['aborts its caller’s signal', (_clock, controller) => controller.abort('mine')],
  ['outlasts the deadline', (clock) => clock.advance(1_000)],
]

const insides: [string, () => AnyPolicy[]][] = [
  ['nothing', () => []],
  ['a custom policy', () => [customPolicy()]],
  ['a retry', () => [retry({ backoff: constant(0) })]],
  ['a fallback', () => [fallback(null)]],
  ['a breaker', () => [circuitBreaker()]],
  ['a rate limiter', () => [rateLimiter({ limit: 100, per: '1s' })]],
  ['a hedge', () => [hedge({ after: 10 })]],
  ['a hedge in a custom policy', () => [customPolicy(), hedge({ after: 10 }), customPolicy()]],
  ['a cache', () => [cache({ ttl: 1_000 })]],
  ['an adaptive limiter', () => [adaptiveLimiter()]],
  ['a second bulkhead', () => [bulkhead({ limit: 3, name: 'inner' })]],
  ['a retry in a custom policy', () => [customPolicy(), retry({ backoff: constant(0) }), customPolicy()]],
]

const inUse = (policy: AnyPolicy): unknown => policy.status?.(0)['inUse'] ?? policy.status?.(0)['inFlight']

describe.each(cancels)('an operation that %s and returns a promise that is pending', (_how, cancel) => {
  describe.each<[string, () => AnyPolicy]>([
    ['a bulkhead', () => bulkhead({ limit: 5, name: 'outer' })],
    ['an adaptive limiter', () => adaptiveLimiter({ name: 'outer' })],
  ])('keeps the permit of %s', (_which, makePermits) => {
    test.each(insides)('around %s', async (_what, inside) => {
      const clock = syncClock()
      const permits = makePermits()
      const controller = new AbortController()
      let end = (): void => {}
      const operation: Operation<unknown> = () => {
        cancel(clock, controller)
        return new Promise<void>((resolve) => {
          end = resolve
        })
      }
      const s = shielded(clock, permits, ...inside())
      const answer = s.run(operation, { signal: controller.signal, deadline: 500, key: 'k' })
      const settled = expect(answer).rejects.toBeDefined()
      expect(inUse(permits)).toBe(1)
      await settled
      await setImmediate()
      expect(inUse(permits)).toBe(1)
      end()
      await setImmediate()
      expect(inUse(permits)).toBe(0)
    })

    test('until it rejects, and nothing is reported as unhandled', async () => {
      const clock = syncClock()
      const permits = makePermits()
      const controller = new AbortController()
      let end = (_error: Error): void => {}
      const answer = shielded(clock, permits).run(
        () => {
          cancel(clock, controller)
          return new Promise<void>((_resolve, reject) => {
            end = reject
          })
        },
        { signal: controller.signal, deadline: 500 },
      )
      await expect(answer).rejects.toBeDefined()
      expect(inUse(permits)).toBe(1)
      end(new Error('late'))
      await setImmediate()
      expect(inUse(permits)).toBe(0)
    })

    test('but not if it throws, or returns no promise', async () => {
      for (const ends of [() => 1, () => expect.fail('thrown')]) {
        const clock = syncClock()
        const permits = makePermits()
        const controller = new AbortController()
        const answer = shielded(clock, permits, customPolicy()).run(
          () => {
            cancel(clock, controller)
            return ends()
          },
          { signal: controller.signal, deadline: 500 },
        )
        await expect(answer).rejects.toBeDefined()
        await setImmediate()
        expect(inUse(permits)).toBe(0)
      }
    })
  })
})

test('a bulkhead inside a coalesce keeps its permit while the flight still runs', async () => {
  const permits = bulkhead({ limit: 1 })
  const controller = new AbortController()
  let end = (): void => {}
  const answer = shielded(syncClock(), coalesce(), permits, retry()).run(
    () => {
      controller.abort('mine')
      return new Promise<void>((resolve) => {
        end = resolve
      })
    },
    { signal: controller.signal, key: 'k' },
  )
  await expect(answer).rejects.toBe('mine')
  await setImmediate()
  expect(inUse(permits)).toBe(1)
  end()
  await setImmediate()
  expect(inUse(permits)).toBe(0)
})

test('a bulkhead inside a hedge keeps the permits of attempts that cancel their own call', async () => {
  const clock = syncClock()
  const permits = bulkhead({ limit: 5 })
  const controller = new AbortController()
  const ends: (() => void)[] = []
  const answer = shielded(clock, hedge({ after: 10 }), permits).run(
    ({ attempt }: Call) => {
      if (attempt === 2) controller.abort('mine')
      return new Promise<void>((resolve) => ends.push(resolve))
    },
    { signal: controller.signal },
  )
  clock.advance(10)
  await expect(answer).rejects.toBe('mine')
  await setImmediate()
  expect([ends.length, inUse(permits)]).toEqual([2, 2])
  for (const end of ends) end()
  await setImmediate()
  expect(inUse(permits)).toBe(0)
})

test('a bulkhead inside a timeout keeps its permit if the operation outlasts the timeout', async () => {
  const clock = syncClock()
  const permits = bulkhead({ limit: 1 })
  let end = (): void => {}
  const answer = shielded(clock, timeout(100), permits, customPolicy()).run(() => {
    clock.advance(100)
    return new Promise<void>((resolve) => {
      end = resolve
    })
  })
  await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
  await setImmediate()
  expect(inUse(permits)).toBe(1)
  end()
  await setImmediate()
  expect(inUse(permits)).toBe(0)
})
