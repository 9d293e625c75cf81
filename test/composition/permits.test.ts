import { setImmediate } from 'node:timers/promises'
import type { AnyPolicy, Call, Clock, Shield } from 'escudo'
import {
  bulkhead,
  cache,
  circuitBreaker,
  consecutive,
  constant,
  definePolicy,
  fallback,
  retry,
  shield,
  timeout,
} from 'escudo'
import { virtualClock } from 'escudo/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

// A bulkhead limits running operations, also if callers abort and if custom policies are inside and outside it. There is
// no timeout inside it, because an inner timeout releases the permit before the operation has ended.

type Make = (clock: Clock) => AnyPolicy

const custom =
  (name: string, wrapRun: (run: () => Promise<never>, clock: Clock) => Promise<unknown>): Make =>
  (clock) =>
    definePolicy({
      name,
      wrap: (next) => (call, operation) => wrapRun(() => next(call, operation) as Promise<never>, clock) as never,
    })

const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))

const passing = custom('passing', async (run) => await run())
const delaying = custom('delaying', async (run, clock) => {
  await sleep(clock, 30)
  return await run()
})
const swallowing = custom('swallowing', (run) => run().catch(() => 'swallowed' as never))
const repeating = custom('repeating', (run) => run().catch(run))
const retrying: Make = () => retry({ maxRetries: 2, backoff: constant(10) })
const manual: Make = (clock) => ({ ...passing(clock), wrap: (next, binding) => retry().wrap(next, binding) })
const failingFallback: Make = () => fallback(() => Promise.reject(new Error('no substitute')))
const OUTSIDE: readonly Make[] = [
  () => timeout(100),
  retrying,
  passing,
  delaying,
  swallowing,
  repeating,
  failingFallback,
]
const INSIDE: readonly Make[] = [
  ...[retrying, passing, delaying, swallowing, repeating, manual, failingFallback],
  () => cache({ ttl: 20 }),
  () => circuitBreaker({ trip: consecutive(3), openFor: 50 }),
]

interface Planned {
  readonly lastsMs: number
  readonly ends: 'value' | 'error' | 'immediately'
  readonly listens: boolean
  readonly abortsAfterMs: number | undefined
  readonly deadlineMs: number | undefined
}

const ms = fc.integer({ min: 0, max: 300 })
const planned: fc.Arbitrary<Planned> = fc.record({
  lastsMs: ms,
  ends: fc.constantFrom('value', 'error', 'immediately'),
  listens: fc.boolean(),
  abortsAfterMs: fc.option(ms, { nil: undefined }),
  deadlineMs: fc.option(ms, { nil: undefined }),
})

test('never runs more operations than permits, for any policies and aborts; releases all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...OUTSIDE), { maxLength: 2 }),
      fc.array(fc.constantFrom(...INSIDE), { maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(planned, { minLength: 1, maxLength: 12 }),
      async (outside, inside, limit, calls) => {
        const clock = virtualClock()
        const limiter = bulkhead({ limit, queue: 4 })
        const all = [...outside, () => limiter, ...inside]
        const policies = all.map((make) => make(clock))
        const s = shield({ name: 'permits', clock }, ...(policies as never[])) as unknown as Shield
        let [running, most, settled] = [0, 0, 0]
        const operation =
          ({ lastsMs, ends, listens }: Planned) =>
          (call: Call) => {
            running += 1
            most = Math.max(most, running)
            const work = new Promise<string>((resolve, reject) => {
              if (listens) call.signal.addEventListener('abort', () => reject(call.signal.reason))
              const end = (): void => (ends === 'error' ? reject(new Error('down')) : resolve('value'))
              if (ends === 'immediately') end()
              else clock.setTimer(end, lastsMs)
            })
            const end = (): void => {
              running -= 1
            }
            work.then(end, end)
            return work
          }
        for (const plan of calls) {
          const controller = new AbortController()
          const { abortsAfterMs, deadlineMs } = plan
          if (abortsAfterMs !== undefined) clock.setTimer(() => controller.abort(), abortsAfterMs)
          const settle = (): void => {
            settled += 1
          }
          s.run(operation(plan), { key: 'k', signal: controller.signal, deadline: deadlineMs }).then(settle, settle)
          await clock.advance(7)
        }
        await clock.advance('1m')
        await setImmediate()
        expect(most).toBeLessThanOrEqual(limit)
        expect(limiter.status?.(0)).toMatchObject({ inUse: 0, queued: 0 })
        expect(settled).toBe(calls.length)
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
})
