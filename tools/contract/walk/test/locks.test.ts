import { expect, test } from 'vitest'
import { Locks } from '../locks.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('runs one body a name at a time, in the order of the calls', async () => {
  const locks = new Locks<'a' | 'b'>()
  const held = new Set<string>()
  const order: number[] = []
  const body = (number: number, names: readonly ('a' | 'b')[]): Promise<void> =>
    locks.holding(names, async () => {
      order.push(number)
      for (const name of names) {
        expect(held.has(name)).toBe(false)
        held.add(name)
      }
      await turn()
      for (const name of names) held.delete(name)
    })
  await Promise.all([body(1, ['a']), body(2, ['a', 'b']), body(3, ['a', 'b']), body(4, ['a']), body(5, ['b', 'a'])])
  expect(order).toEqual([1, 2, 3, 4, 5])
})

test('does not deadlock on names in opposite orders', async () => {
  const locks = new Locks<'a' | 'b'>()
  const all = Array.from({ length: 20 }, (_, index) => locks.holding(index % 2 === 0 ? ['a', 'b'] : ['b', 'a'], turn))
  await expect(Promise.all(all)).resolves.toHaveLength(20)
})

test('releases the lock when the body throws', async () => {
  const locks = new Locks<'a'>()
  await expect(locks.holding(['a'], () => Promise.reject(new Error('x')))).rejects.toThrow('x')
  await expect(locks.holding(['a', 'a'], async () => 'free')).resolves.toBe('free')
})
