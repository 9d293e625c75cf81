import { expect, test } from 'vitest'
import { type AnyPolicy, bulkhead, type Call, definePolicy, rateLimiter, retry, shield, timeout } from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

// Policies that a call enters at the same moment share one reading of the clock. After a wait the clock is read again.

const waits: readonly [string, () => AnyPolicy[]][] = [
  ['a bulkhead', () => [bulkhead({ limit: 1, queue: 1 })]],
  ['a rate limiter', () => [rateLimiter({ limit: 1, per: 100, maxWait: '1s' })]],
  [
    'a custom policy',
    () => [
      definePolicy({
        name: 'custom',
        wrap: (next) => {
          let calls = 0
          return async (call, operation) => {
            calls += 1
            if (calls > 1) await new Promise<void>((resolve) => call.clock.setTimer(resolve, 100))
            return await next(call, operation)
          }
        },
      }),
    ],
  ],
]

test.each(waits)('a timeout inside %s starts when the wait is over', async (_name, make) => {
  const clock = virtualClock()
  // The outer retry reads the clock for all policies that are entered at the same moment.
  const s = shield({ name: 's', clock }, retry({ maxRetries: 0 }), ...(make() as []), timeout(150))
  const take100 = (call: Call): Promise<unknown> =>
    new Promise((resolve) => clock.setTimer(() => resolve([clock.now(), call.deadline]), 100))
  const first = s.run(take100)
  const second = s.run(take100)
  await clock.advance('1s')
  expect([await first, await second]).toEqual([
    [100, 150],
    [200, 250],
  ])
})
