import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import type { BulkheadState } from '../bulkhead-state.ts'
import { KeyedBulkheads } from '../keyed-bulkheads.ts'
import type { PriorityWaiter } from '../priority-queue.ts'

class KeyedCall implements PriorityWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  readonly priority = 0
  readonly key: string | undefined
  readonly state: BulkheadState<KeyedCall>

  constructor(key: string | undefined, state: BulkheadState<KeyedCall>) {
    this.key = key
    this.state = state
  }
}

const SETTINGS = { limit: 2, queueLimit: 2, order: 'fifo' } as const

function setUp(maxKeys: number | undefined) {
  const states = new KeyedBulkheads<KeyedCall>(SETTINGS, maxKeys)
  const running: KeyedCall[] = []
  /** Starts or queues a call; undefined if it is rejected. */
  const start = (key: string | undefined): KeyedCall | undefined => {
    const state = states.of(key)
    const call = new KeyedCall(key, state)
    if (state.tryAcquire()) running.push(call)
    else if (state.hasRoom(0)) state.enqueue(call)
    else return undefined
    return call
  }
  const end = (call: KeyedCall): void => {
    running.splice(running.indexOf(call), 1)
    const next = call.state.release()
    if (next !== undefined) running.push(next)
  }
  return { states, running, start, end }
}

describe('KeyedBulkheads', () => {
  test('loses no permit, and evicts a key in use only if all keys are in use', () => {
    const keys = fc.constantFrom(undefined, 'a', 'b', 'c', 'd', '__proto__', '')
    const steps = fc.array(
      fc.oneof(
        keys.map((key) => ({ key })),
        fc.nat(20),
      ),
      { maxLength: 120, size: 'max' },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), steps, (maxKeys, todo) => {
        const { states, running, start, end } = setUp(maxKeys)
        const calls: KeyedCall[] = []
        for (const step of todo) {
          if (typeof step === 'number') {
            const call = running[step % Math.max(1, running.length)]
            if (call !== undefined) end(call)
          } else {
            const keysInUse = new Set(running.map(({ key }) => key))
            const known = new Map([...keysInUse].map((key) => [key, states.peek(key)]))
            // For an unknown key, each peek returns a different state.
            const peeked = [1, 2].map(() => states.peek(step.key))
            const isNew = peeked[0] !== peeked[1]
            const call = start(step.key)
            if (call !== undefined) calls.push(call)
            // A new key evicts one that is not in use, as long as there is one.
            const inUse = [...known].filter(([, { inUse }]) => inUse > 0)
            if (isNew && inUse.length < maxKeys) {
              for (const [key, state] of inUse) expect(states.peek(key)).toBe(state)
            }
          }
          expect(states.keys).toBeLessThanOrEqual(maxKeys)
          for (const state of new Set(calls.map((call) => call.state))) {
            const runningHere = running.filter((call) => call.state === state).length
            expect([state.inUse, state.inUse <= SETTINGS.limit]).toEqual([runningHere, true])
          }
        }
        for (let call = running[0]; call !== undefined; call = running[0]) end(call)
        for (const { state, waiting } of calls) {
          expect([state.inUse, state.queued, waiting]).toEqual([0, 0, false])
        }
        // No key is in use any more, so new keys can evict all of them.
        const fresh = Array.from({ length: maxKeys }, (_, n) => states.of(`new ${n}`))
        for (const [n, state] of fresh.entries()) expect(states.peek(`new ${n}`)).toBe(state)
      }),
      { numRuns: 300 },
    )
  })

  test('an evicted state whose permits are released does not affect the new state of its key', () => {
    const { states, start, end } = setUp(1)
    const evicted = start('a') as KeyedCall
    start('b')
    const current = start('a') as KeyedCall
    expect(current.state).not.toBe(evicted.state)
    end(evicted)
    expect([evicted.state.inUse, current.state.inUse]).toEqual([0, 1])
    expect(states.peek('a')).toBe(current.state)
  })

  test('keeps at most maxKeys of a million unused keys, and does not evict the one in use', () => {
    const { states, start, end } = setUp(10_000)
    const busy = start('busy') as KeyedCall
    for (let n = 0; n < 1_000_000; n += 1) end(start(`key ${n}`) as KeyedCall)
    expect(states.keys).toBe(10_000)
    expect(states.peek('busy')).toBe(busy.state)
    end(busy)
    for (let n = 0; n < 10_000; n += 1) end(start(`another ${n}`) as KeyedCall)
    expect(states.peek('busy')).not.toBe(busy.state)
  })

  test('has one state for all calls without maxKeys', () => {
    const { states } = setUp(undefined)
    expect(states.of('a')).toBe(states.of(undefined))
    expect([states.peek('b') === states.of('a'), states.keys]).toEqual([true, undefined])
  })
})
