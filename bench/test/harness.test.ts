import { expect, test } from 'vitest'
import { allocatedBytes } from '../allocation.ts'
import { type Contender, type Group, measure, NotAvailable } from '../harness.ts'

const EFFORT = { rounds: 4, roundMs: 1 }
const idle = async (calls: number): Promise<number> => {
  for (let done = 0; done < calls; done += 1) await undefined
  return calls
}
const group = (name: string, contenders: readonly Contender[]): Group => ({ name, build: () => contenders })

test('throws for a case without the expected results', async () => {
  const short = group('broken', [{ by: 'escudo', run: async (calls) => calls - 1 }])
  await expect(measure([short], EFFORT)).rejects.toThrow("'broken' by escudo")
})

test('runs each contender once in a round and starts each round with another one', async () => {
  const ran: string[] = []
  const contenders = ['a', 'b', 'c'].map((by) => ({
    by,
    run: (calls: number) => {
      ran.push(by)
      return idle(calls)
    },
  }))
  let before = 0
  const orders: string[] = []
  await measure([group('order', contenders)], {
    ...EFFORT,
    onProgress: (step) => {
      if (before > 0) orders.push(ran.slice(before).join(''))
      before = step.startsWith('round') ? ran.length : 0
    },
  })
  expect(orders).toEqual(['abc', 'bca', 'cab', 'abc'])
})

test('adds a note for a missing feature and measures the rest', async () => {
  const lacking: Group = {
    name: 'keys',
    build: () => {
      throw new NotAvailable('no such option')
    },
  }
  const closed: string[] = []
  const present = group('present', [
    { by: 'bare', run: idle },
    { by: 'escudo', run: idle, close: () => closed.push('escudo') },
  ])
  const { results, notes } = await measure([lacking, present], EFFORT)
  expect(notes).toEqual(['keys: not available: no such option'])
  expect(results.map(({ group, by }) => `${group}: ${by}`)).toEqual(['present: bare', 'present: escudo'])
  expect(results[0]).toMatchObject({ timesBare: 1 })
  expect(results[1]?.roundsNs).toHaveLength(EFFORT.rounds)
  expect(closed).toEqual(['escudo'])
})

test('counts bytes that were collected during the measurement', async () => {
  // An array of 100 numbers takes 816 bytes and its header 32. About 100 MB of them are collected meanwhile.
  let last: unknown
  const arrays = 120_000
  const bytes = await allocatedBytes(async () => {
    for (let made = 0; made < arrays; made += 1) last = new Array(100).fill(made)
  })
  expect(last).toHaveLength(100)
  expect(bytes / arrays).toBeGreaterThan(700)
  expect(bytes / arrays).toBeLessThan(1_100)
})
