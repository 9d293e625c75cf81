import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import type { BulkheadState } from '../bulkhead-state.ts'
import { KeyedBulkheads } from '../keyed-bulkheads.ts'
import type { PriorityWaiter } from '../priority-queue.ts'

class Caller implements PriorityWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  readonly priority = 0
  readonly key: string | undefined
  readonly compartment: BulkheadState<Caller>

  constructor(key: string | undefined, compartment: BulkheadState<Caller>) {
    this.key = key
    this.compartment = compartment
  }
}

const SETTINGS = { limit: 2, queueLimit: 2, order: 'fifo' } as const

function bulkheadOf(maxKeys: number | undefined) {
  const compartments = new KeyedBulkheads<Caller>(SETTINGS, maxKeys)
  const atWork: Caller[] = []
  const come = (key: string | undefined): Caller | undefined => {
    const compartment = compartments.of(key)
    const caller = new Caller(key, compartment)
    if (compartment.tryAcquire()) atWork.push(caller)
    else if (compartment.hasRoom(0)) compartment.enqueue(caller)
    else return undefined
    return caller
  }
  const go = (caller: Caller): void => {
    atWork.splice(atWork.indexOf(caller), 1)
    const next = caller.compartment.leave()
    if (next !== undefined) atWork.push(next)
  }
  return { compartments, atWork, come, go }
}

describe('the compartments of keys', () => {
  test('conserve places whatever comes and goes, and forget a key in use only when all are', () => {
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
        const { compartments, atWork, come, go } = bulkheadOf(maxKeys)
        const came: Caller[] = []
        for (const step of todo) {
          if (typeof step === 'number') {
            const caller = atWork[step % Math.max(1, atWork.length)]
            if (caller !== undefined) go(caller)
          } else {
            const keysInUse = new Set(atWork.map(({ key }) => key))
            const known = new Map([...keysInUse].map((key) => [key, compartments.at(key)]))
            // One that nobody keeps is made for each who looks.
            const looks = [1, 2].map(() => compartments.at(step.key))
            const isNew = looks[0] !== looks[1]
            const caller = come(step.key)
            if (caller !== undefined) came.push(caller)
            // A newcomer takes the place of a key at rest, as long as there is one.
            const inUse = [...known].filter(([, { inUse }]) => inUse > 0)
            if (isNew && inUse.length < maxKeys) {
              for (const [key, compartment] of inUse) expect(compartments.at(key)).toBe(compartment)
            }
          }
          expect(compartments.keys).toBeLessThanOrEqual(maxKeys)
          for (const compartment of new Set(came.map((caller) => caller.compartment))) {
            const working = atWork.filter((caller) => caller.compartment === compartment).length
            expect([compartment.inUse, compartment.inUse <= SETTINGS.limit]).toEqual([working, true])
          }
        }
        for (let caller = atWork[0]; caller !== undefined; caller = atWork[0]) go(caller)
        for (const { compartment, waiting } of came) {
          expect([compartment.inUse, compartment.queued, waiting]).toEqual([0, 0, false])
        }
        // Nothing is in use any more, so none of them is held for its own sake.
        const rested = Array.from({ length: maxKeys }, (_, n) => compartments.of(`new ${n}`))
        for (const [n, compartment] of rested.entries()) expect(compartments.at(`new ${n}`)).toBe(compartment)
      }),
      { numRuns: 300 },
    )
  })

  test('a forgotten one that comes to rest leaves its successor of the same key alone', () => {
    const { compartments, come, go } = bulkheadOf(1)
    const old = come('a') as Caller
    come('b')
    const successor = come('a') as Caller
    expect(successor.compartment).not.toBe(old.compartment)
    go(old)
    expect([old.compartment.inUse, successor.compartment.inUse]).toEqual([0, 1])
    expect(compartments.at('a')).toBe(successor.compartment)
  })

  test('a million keys at rest leave no more than the bound, and one in use outlives them', () => {
    const { compartments, come, go } = bulkheadOf(10_000)
    const busy = come('busy') as Caller
    for (let n = 0; n < 1_000_000; n += 1) go(come(`key ${n}`) as Caller)
    expect(compartments.keys).toBe(10_000)
    expect(compartments.at('busy')).toBe(busy.compartment)
    go(busy)
    for (let n = 0; n < 10_000; n += 1) go(come(`another ${n}`) as Caller)
    expect(compartments.at('busy')).not.toBe(busy.compartment)
  })

  test('without keys all calls share one', () => {
    const { compartments } = bulkheadOf(undefined)
    expect(compartments.of('a')).toBe(compartments.of(undefined))
    expect([compartments.at('b') === compartments.of('a'), compartments.keys]).toEqual([true, undefined])
  })
})
