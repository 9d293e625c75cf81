import { describe, expect, test } from 'vitest'
import type { OnLoss } from '../../../core/shared-state.ts'
import { HeldPermits, USE_MS } from '../held-permits.ts'
import { RedisPermits } from './redis-permits.ts'

const local = (inUse: number, waiting = 0, peak = inUse) => ({ inUse, waiting, peak })

describe('the permits of one instance', () => {
  function permitsOf({ limit = 100, instances = 4, exact = false, onLoss = 'share' as OnLoss } = {}) {
    return new HeldPermits({ limit, exact, onLoss, instances: () => instances, random: () => 0 }, 0)
  }
  /** Asks and gets `held` permits. */
  function grant(held: HeldPermits, permits: number, now: number, wanted = 0, inUse = 0, members = 1) {
    const question = held.question(local(inUse), now)
    held.answered(question, { held: permits, wanted, members }, now, now)
    return question
  }

  test('the first question wants one permit, and the next ones a reserve of a quarter of its part', () => {
    const held = permitsOf()
    expect(grant(held, 1, 0)).toEqual({ number: 1, held: 0, want: 1 })
    expect(held.question(local(0), held.nextMs)).toEqual({ number: 2, held: 1, want: 5 })
  })

  test('permits count from the question on, and end with the lease', () => {
    const held = permitsOf({ onLoss: 'closed' })
    grant(held, 10, 0)
    held.answered(held.question(local(0), 1_000), { held: 10, wanted: 0, members: 1 }, 1_000, 1_900)
    expect([held.capacity(USE_MS + 999), held.capacity(USE_MS + 1_000)]).toEqual([10, 0])
  })

  test('calls that still run after the end of the lease claim their permits first', () => {
    const held = permitsOf({ onLoss: 'closed' })
    grant(held, 10, 0)
    expect(held.question(local(7), USE_MS + 1)).toMatchObject({ held: 7 })
    // They do not make a call start before Redis has answered.
    expect(held.capacity(USE_MS + 1)).toBe(0)
  })

  test('Redis counts calls that began at the end of the lease for half a second more', () => {
    const redis = new RedisPermits()
    const held = permitsOf({ limit: 6, onLoss: 'closed' })
    const question = held.question(local(0, 6), 0)
    held.answered(question, redis.ask('a', question, 6, 0), 0, 0)
    // Redis answers no question of this instance for a while, and another one asks.
    expect([held.capacity(USE_MS - 1), held.capacity(USE_MS)]).toEqual([6, 0])
    const askedAt = (ms: number) => redis.ask('b', { number: ms, held: 0, want: 6 }, 6, ms * 1_000).held
    expect([askedAt(USE_MS + 499), askedAt(USE_MS + 500)]).toEqual([0, 6])
  })

  test('a question uses no permit that it gives back', () => {
    const held = permitsOf()
    grant(held, 50, 0)
    const { held: kept } = held.question(local(0), 3_000)
    expect([kept, held.capacity(3_000)]).toEqual([6, 6])
  })

  test('keeps what its calls needed in the last two seconds', () => {
    const held = permitsOf()
    grant(held, 50, 0)
    held.answered(held.question(local(0, 0, 30), 500), { held: 36, wanted: 0, members: 1 }, 500, 500)
    expect(held.question(local(0), 1_500).held).toBe(36)
    held.answered(held.question(local(0), 2_600), { held: 6, wanted: 0, members: 1 }, 2_600, 2_600)
    expect(held.capacity(2_600)).toBe(6)
  })

  test.each([
    { limit: 100, members: 4, keepMax: 25 },
    // Rounded down: with 2 of 6 permits in each of three instances, the fifth would get none.
    { limit: 6, members: 5, keepMax: 1 },
    { limit: 3, members: 5, keepMax: 0 },
  ])('while others wait, keeps $keepMax of $limit permits with $members members', ({ limit, members, keepMax }) => {
    const held = permitsOf({ limit })
    grant(held, limit, 0, 1, limit, members)
    expect(held.keepMax).toBe(keepMax)
    grant(held, limit, 10, 0, limit, members)
    expect(held.keepMax).toBe(Number.POSITIVE_INFINITY)
  })

  test('gives back all unused permits while others wait', () => {
    const held = permitsOf()
    grant(held, 50, 0, 5, 10, 2)
    expect(held.question(local(10), 200)).toMatchObject({ held: 10, want: 0 })
  })

  test('a refused call wants a permit for a second, also without a queue', () => {
    const held = permitsOf({ limit: 1, instances: 2 })
    grant(held, 0, 0, 1)
    held.foundNone(100)
    expect(held.question(local(0), 100).want).toBe(1)
    held.answered({ number: 2, held: 0, want: 1 }, { held: 0, wanted: 1, members: 2 }, 100, 100)
    expect(held.question(local(0), 1_000).want).toBe(1)
    held.answered({ number: 3, held: 0, want: 1 }, { held: 0, wanted: 1, members: 2 }, 1_000, 1_000)
    expect(held.question(local(0), 1_200).want).toBe(0)
  })

  test.each([
    { onLoss: 'closed' as const, capacity: 0 },
    { onLoss: 'share' as const, capacity: 25 },
    { onLoss: 'open' as const, capacity: 100 },
  ])('acts alone after two questions without an answer: $onLoss', ({ onLoss, capacity }) => {
    const held = permitsOf({ onLoss })
    held.failed(50)
    expect([held.isAlone, held.capacity(50)]).toEqual([false, 0])
    held.failed(200)
    expect([held.isAlone, held.capacity(200), held.capacityEndsMs]).toEqual([true, capacity, Number.POSITIVE_INFINITY])
  })
})

describe('the permits in Redis', () => {
  test('an instance that has waited longest with no permit gets the next one', () => {
    const redis = new RedisPermits()
    const ask = (id: string, number: number, held: number, want: number, atMs: number) =>
      redis.ask(id, { number, held, want }, 2, atMs * 1_000).held
    expect([ask('a', 1, 0, 2, 0), ask('b', 1, 0, 1, 10), ask('c', 1, 0, 1, 20)]).toEqual([2, 0, 0])
    // `a` gives one back and wants it again; `c` asks before `b` does.
    expect([ask('a', 2, 1, 1, 30), ask('c', 2, 0, 1, 40), ask('b', 2, 0, 1, 50)]).toEqual([1, 0, 1])
  })

  test('a question that arrives late changes nothing', () => {
    const redis = new RedisPermits()
    redis.ask('a', { number: 2, held: 0, want: 1 }, 5, 0)
    redis.ask('a', { number: 1, held: 0, want: 5 }, 5, 1)
    expect(redis.held).toBe(1)
  })
})
