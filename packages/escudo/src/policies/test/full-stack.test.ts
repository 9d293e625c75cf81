import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { bulkhead, circuitBreaker, fallback, retry, shield, timeout } from '../../index.ts'

// Code that recurses too deep may run out of stack anywhere, in the middle of a policy too. It gets its RangeError; what
// the policies lent comes back, and never twice. (Nobody can promise that all of it does: giving back needs stack too.)

const five = () => {
  const places = bulkhead({ limit: 1_000_000 })
  const s = shield(
    'deep',
    fallback(0, { when: () => false }),
    timeout('30s'),
    retry({ maxRetries: 0 }),
    circuitBreaker(),
    places,
    timeout('10s'),
  )
  const inUse = async (): Promise<unknown> => {
    await wait(1)
    return places.status?.(0)['inUse']
  }
  return { s, inUse }
}

test('a shield runs inside of its own operation hundreds of times over', async () => {
  const { s, inUse } = five()
  const dive = (depth: number): number | Promise<number> => (depth === 0 ? 42 : s.run(() => dive(depth - 1)))
  expect(await dive(250)).toBe(42)
  expect(await inUse()).toBe(0)
})

test('at the end of the stack no place is given back twice, and hardly any is lost', async () => {
  const { s, inUse } = five()
  const at = (depth: number): Promise<unknown> | number => (depth === 0 ? s.run(() => 1) : at(depth - 1))
  const outcome = (depth: number): Promise<unknown> =>
    new Promise((resolve) => resolve(at(depth))).catch((error) => error)
  // Warm, so that what is left of the stack is not spent on compiling.
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
  // Of two hundred. Without the guard it is one at each depth at which the stack ends inside of the policies.
  expect(lost).toBeLessThan(20)
})
