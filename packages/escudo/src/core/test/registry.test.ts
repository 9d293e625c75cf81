import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { circuitBreaker } from '../../policies/circuit-breaker/circuit-breaker.ts'
import { retry } from '../../policies/retry/retry.ts'
import { registeredCount, registeredShields, registerShield } from '../registry.ts'
import { shield } from '../shield.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A weak reference holds what it was asked for until the current job is over. */
async function collected(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  collect()
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('shields that are held are listed in the order in which they were built, with their policies', () => {
  const held = [shield('one', retry(), retry()), shield('two', circuitBreaker())]
  const listed = registeredShields().filter(({ name }) => name === 'one' || name === 'two')
  expect(listed.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
    ['one', ['retry', 'retry-2']],
    ['two', ['circuitBreaker']],
  ])
  expect(held).toHaveLength(2)
})

test('a shield that its program let go is listed no more, and its place is used again', async () => {
  const used = shield('used', retry())
  for (let round = 0; round < 20; round += 1) {
    for (let made = 0; made < 100; made += 1) await shield('let-go', retry()).run(() => 42)
    await collected()
  }
  expect(registeredShields().filter(({ name }) => name === 'let-go').length).toBeLessThan(200)
  // 2000 were built: the list was swept, each time that it had doubled.
  expect(registeredCount()).toBeLessThan(500)
  expect(registeredShields().filter(({ name }) => name === 'used')).toHaveLength(1)
  expect(used.name).toBe('used')
})

test('where there are no weak references shields work, and are not listed', async () => {
  const before = registeredCount()
  vi.stubGlobal('WeakRef', undefined)
  expect(await shield('plain', retry()).run(() => 42)).toBe(42)
  registerShield({ name: 'plain', clock: { now: () => 0, setTimer: () => () => {} }, policies: [] })
  expect(registeredCount()).toBe(before)
})
