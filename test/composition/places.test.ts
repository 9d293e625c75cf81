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

// What a bulkhead limits is work, and not callers: whatever stands around it gives up, and whatever stands inside of it
// is written by somebody else. Inside of it stands no timeout, which would free the place before the work has ended.

type Make = (clock: Clock) => AnyPolicy

const own =
  (name: string, around: (run: () => Promise<never>, clock: Clock) => Promise<unknown>): Make =>
  (clock) =>
    definePolicy({
      name,
      wrap: (next) => (call, operation) => around(() => next(call, operation) as Promise<never>, clock) as never,
    })

const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms))

const passing = own('passing', async (run) => await run())
const late = own('late', async (run, clock) => {
  await sleep(clock, 30)
  return await run()
})
const swallowing = own('swallowing', (run) => run().catch(() => 'swallowed' as never))
const trying = own('trying', (run) => run().catch(run))
const retrying: Make = () => retry({ maxRetries: 2, backoff: constant(10) })
const byHand: Make = (clock) => ({ ...passing(clock), wrap: (next, binding) => retry().wrap(next, binding) })
const standing: Make = () => fallback(() => Promise.reject(new Error('no substitute')))
const OUTSIDE: readonly Make[] = [() => timeout(100), retrying, passing, late, swallowing, trying, standing]
const INSIDE: readonly Make[] = [
  ...[retrying, passing, late, swallowing, trying, byHand, standing],
  () => cache({ ttl: 20 }),
  () => circuitBreaker({ trip: consecutive(3), openFor: 50 }),
]

interface Planned {
  readonly lastsMs: number
  readonly ends: 'value' | 'error' | 'at once'
  readonly listens: boolean
  readonly givesUpAfterMs: number | undefined
  readonly deadlineMs: number | undefined
}

const ms = fc.integer({ min: 0, max: 300 })
const planned: fc.Arbitrary<Planned> = fc.record({
  lastsMs: ms,
  ends: fc.constantFrom('value', 'error', 'at once'),
  listens: fc.boolean(),
  givesUpAfterMs: fc.option(ms, { nil: undefined }),
  deadlineMs: fc.option(ms, { nil: undefined }),
})

test('never more operations at work than places, whatever is cut and whoever stands between; all come back', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...OUTSIDE), { maxLength: 2 }),
      fc.array(fc.constantFrom(...INSIDE), { maxLength: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(planned, { minLength: 1, maxLength: 12 }),
      async (outside, inside, limit, calls) => {
        const clock = virtualClock()
        const places = bulkhead({ limit, queue: 4 })
        const all = [...outside, () => places, ...inside]
        const policies = all.map((make) => make(clock))
        const s = shield({ name: 'places', clock }, ...(policies as never[])) as unknown as Shield
        let [atWork, most, settled] = [0, 0, 0]
        const operation =
          ({ lastsMs, ends, listens }: Planned) =>
          (call: Call) => {
            atWork += 1
            most = Math.max(most, atWork)
            const work = new Promise<string>((resolve, reject) => {
              if (listens) call.signal.addEventListener('abort', () => reject(call.signal.reason))
              const end = (): void => (ends === 'error' ? reject(new Error('down')) : resolve('value'))
              if (ends === 'at once') end()
              else clock.setTimer(end, lastsMs)
            })
            const over = (): void => {
              atWork -= 1
            }
            work.then(over, over)
            return work
          }
        for (const plan of calls) {
          const controller = new AbortController()
          const { givesUpAfterMs, deadlineMs } = plan
          if (givesUpAfterMs !== undefined) clock.setTimer(() => controller.abort(), givesUpAfterMs)
          const over = (): void => {
            settled += 1
          }
          s.run(operation(plan), { key: 'k', signal: controller.signal, deadline: deadlineMs }).then(over, over)
          await clock.advance(7)
        }
        await clock.advance('1m')
        await setImmediate()
        expect(most).toBeLessThanOrEqual(limit)
        expect(places.status?.(0)).toMatchObject({ inUse: 0, queued: 0 })
        expect(settled).toBe(calls.length)
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
})
