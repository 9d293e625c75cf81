import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../policies/retry/retry.ts'
import { registeredCount, registeredShields, registerShield } from '../registry.ts'
import { shield } from '../shield.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects garbage in a new job: until its job ends, a weak reference that was read keeps its target alive. */
async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('lists live shields in the order in which they were built, with their policies', () => {
  const live = [shield('one', retry(), retry()), shield('two', circuitBreaker())]
  const listed = registeredShields().filter(({ name }) => name === 'one' || name === 'two')
  expect(listed.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
    ['one', ['retry', 'retry-2']],
    ['two', ['circuitBreaker']],
  ])
  expect(live).toHaveLength(2)
})

test('removes garbage-collected shields, so that the list stays bounded', async () => {
  const used = shield('used', retry())
  for (let round = 0; round < 20; round += 1) {
    for (let built = 0; built < 100; built += 1) await shield('unused', retry()).run(() => 42)
    await collectGarbage()
  }
  expect(registeredShields().filter(({ name }) => name === 'unused').length).toBeLessThan(200)
  // 2000 shields were built. The list was swept each time that it had doubled.
  expect(registeredCount()).toBeLessThan(500)
  expect(registeredShields().filter(({ name }) => name === 'used')).toHaveLength(1)
  expect(used.name).toBe('used')
})

test('without weak references, shields work but are not listed', async () => {
  const before = registeredCount()
  vi.stubGlobal('WeakRef', undefined)
  expect(await shield('plain', retry()).run(() => 42)).toBe(42)
  registerShield({ name: 'plain', clock: { now: () => 0, setTimer: () => () => {} }, policies: [] })
  expect(registeredCount()).toBe(before)
})
