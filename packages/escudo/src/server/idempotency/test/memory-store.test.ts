import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type IdempotencyRecord, sizeOfRecord } from '../record.ts'
import { MemoryStore } from '../store.ts'

const answer = (length: number): IdempotencyRecord => ({
  fingerprint: 'f',
  answer: { status: 200, headers: [], body: 'x'.repeat(length) },
})
const RUNNING: IdempotencyRecord = { fingerprint: 'f' }

describe('answers in memory', () => {
  test('stay within both bounds whatever happens, and no running request is forgotten', () => {
    const steps = fc.array(
      fc.record({
        key: fc.integer({ min: 0, max: 15 }).map(String),
        what: fc.constantFrom('answer' as const, 'running' as const, 'delete' as const, 'get' as const),
        length: fc.nat(3_000),
        waitMs: fc.nat(300),
      }),
      { maxLength: 100 },
    )
    fc.assert(
      fc.property(steps, (todo) => {
        let now = 0
        const store = new MemoryStore({ maxEntries: 5, maxBytes: 8_000 }, sizeOfRecord, () => now)
        const running = new Map<string, number>()
        for (const { key, what, length, waitMs } of todo) {
          now += waitMs
          if (what === 'get') store.get(key)
          else if (what === 'delete') store.delete(key)
          else store.set(key, what === 'answer' ? answer(length) : RUNNING, 1_000)
          if (what === 'running') running.set(key, now + 1_000)
          else if (what !== 'get') running.delete(key)
          const { answers, bytes } = store.size
          expect(answers).toBeLessThanOrEqual(5)
          expect(bytes).toBeLessThanOrEqual(8_000)
          expect(bytes).toBeGreaterThanOrEqual(0)
          for (const [id, endsMs] of running) if (endsMs > now) expect(store.get(id)).toBe(RUNNING)
        }
        now += 1_001
        store.set('last', answer(1), 1_000)
        expect(store.size).toMatchObject({ answers: 1, running: 0 })
      }),
      { numRuns: 500 },
    )
  })

  test('one that is larger than all together is not kept, and removes no other', () => {
    const store = new MemoryStore({ maxEntries: 5, maxBytes: 8_000 }, sizeOfRecord, () => 0)
    store.set('small', answer(1), 1_000)
    store.set('large', RUNNING, 1_000)
    store.set('large', answer(9_000), 1_000)
    expect(store.get('large')).toBeUndefined()
    expect(store.get('small')).toEqual(answer(1))
  })

  test('a lock ends by itself, and only its holder releases it', () => {
    let now = 0
    const store = new MemoryStore({ maxEntries: 5, maxBytes: 8_000 }, sizeOfRecord, () => now)
    const first = store.lock('k', 100)
    expect(store.lock('k', 100)).toBeUndefined()
    now = 100
    const second = store.lock('k', 100)
    expect(second).toBeTypeOf('function')
    first?.()
    expect(store.lock('k', 100)).toBeUndefined()
    second?.()
    expect(store.lock('k', 100)).toBeTypeOf('function')
  })
})
