import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../core/random.ts'
import { LruOrder } from '../lru-order.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('takes the least recently used state after any sequence of uses and removals', () => {
  const random = seededRandom(5)
  const states = new LruOrder<number, { readonly key: number }>()
  // Oldest use first. More keys than one search caches, so that there are many searches.
  let model: number[] = []
  for (let step = 0; step < 20_000; step += 1) {
    const key = Math.floor(random() * 300)
    const action = random()
    if (action < 0.6) {
      states.use(key, { key })
      model = [...model.filter((present) => present !== key), key]
    } else if (action < 0.7) {
      states.delete(key)
      model = model.filter((present) => present !== key)
    } else {
      expect(states.takeOldest()?.key).toBe(model.shift())
    }
    expect(states.size).toBe(model.length)
  }
  expect([...states.entries()].map(([key]) => key)).toEqual(model)
  states.clear()
  expect([states.size, states.takeOldest()]).toEqual([0, undefined])
})

test('does not grow in memory, however many times its states are used', () => {
  const states = new LruOrder<number, object>()
  const state = {}
  for (let key = 0; key < 10_001; key += 1) states.use(key, state)
  states.takeOldest()
  const heapMb = (): number => {
    for (let use = 0; use < 500_000; use += 1) states.use(1 + (use % 10_000), state)
    collect()
    return process.memoryUsage().heapUsed / 2 ** 20
  }
  const before = heapMb()
  heapMb()
  expect(heapMb() - before).toBeLessThan(10)
})
