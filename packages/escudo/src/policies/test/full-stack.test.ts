import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { adaptiveLimiter, bulkhead, circuitBreaker, fallback, retry, shield, timeout } from '../../index.ts'

// Code that recurses too deep can overflow the stack anywhere, also inside a policy. It receives the RangeError, and no
// permit is released twice. A few permits may be lost, because a release needs stack too.

type Limiter = ReturnType<typeof bulkhead>

const fivePolicies = (limiter: Limiter = bulkhead({ limit: 1_000_000 })) => {
  const s = shield(
    'deep',
    fallback(0, { when: () => false }),
    timeout('30s'),
    retry({ maxRetries: 0 }),
    circuitBreaker(),
    limiter,
    timeout('10s'),
  )
  const inUse = async (): Promise<unknown> => {
    await wait(1)
    const status = limiter.status?.(0)
    return status?.['inUse'] ?? status?.['inFlight']
  }
  return { s, inUse }
}

test('a shield can run inside its own operation, hundreds of levels deep', async () => {
  const { s, inUse } = fivePolicies()
  const dive = (depth: number): number | Promise<number> => (depth === 0 ? 42 : s.run(() => dive(depth - 1)))
  expect(await dive(250)).toBe(42)
  expect(await inUse()).toBe(0)
})

test.each([
  ['bulkhead', () => bulkhead({ limit: 1_000_000 }), 20],
  ['adaptive limiter', () => adaptiveLimiter({ min: 1_000_000 }), 5],
])('a stack overflow releases no permit twice and loses few: %s', async (_name, limiter, lostMax) => {
  const { s, inUse } = fivePolicies(limiter())
  const runAt = (depth: number): Promise<unknown> | number => (depth === 0 ? s.run(() => 1) : runAt(depth - 1))
  const outcome = (depth: number): Promise<unknown> =>
    new Promise((resolve) => resolve(runAt(depth))).catch((error) => error)
  // Warm up, so that compilation does not use the rest of the stack.
  for (let n = 0; n < 5_000; n += 1) await outcome(n % 100)
  let [least, most] = [0, 100_000]
  while (most - least > 1) {
    const middle = Math.floor((least + most) / 2)
    if ((await outcome(middle)) === 1) least = middle
    else most = middle
  }
  for (let depth = least - 100; depth < least + 100; depth += 1) await outcome(depth)
  const lost = await inUse()
  expect(lost).toBeGreaterThanOrEqual(0)
  // Of two hundred. Without the guard, one is lost at each depth at which the stack overflows inside the policies.
  expect(lost).toBeLessThan(lostMax)
})
