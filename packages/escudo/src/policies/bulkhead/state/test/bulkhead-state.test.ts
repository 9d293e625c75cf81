import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import { BulkheadState, type QueueOrder } from '../bulkhead-state.ts'
import type { PriorityWaiter } from '../priority-queue.ts'

class Numbered implements PriorityWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  readonly number: number
  readonly priority: number

  constructor(number: number, priority = 0) {
    this.number = number
    this.priority = priority
  }
}

/** The same as a list that is sorted each time: who goes next stands first. */
class Model {
  inUse = 0
  queue: Numbered[] = []
  readonly #limit: number
  readonly #queueLimit: number
  readonly #order: QueueOrder

  constructor(limit: number, queueLimit: number, order: QueueOrder) {
    this.#limit = limit
    this.#queueLimit = queueLimit
    this.#order = order
  }

  tryEnter(): boolean {
    if (this.inUse === this.#limit) return false
    this.inUse += 1
    return true
  }

  /** Who is left without: nobody, somebody who waited, or the newcomer. */
  queueUp(waiter: Numbered): Numbered | undefined {
    const all = [...this.queue, waiter].sort((a, b) => this.#compare(a, b))
    if (all.length <= this.#queueLimit) {
      this.queue = all
      return undefined
    }
    const last = this.#order === 'priority' ? (all.at(-1) as Numbered) : waiter
    this.queue = all.filter((one) => one !== last)
    return last
  }

  leave(): Numbered | undefined {
    const next = this.queue.shift()
    if (next === undefined) this.inUse -= 1
    return next
  }

  leaveQueue(waiter: Numbered): boolean {
    const waits = this.queue.includes(waiter)
    this.queue = this.queue.filter((one) => one !== waiter)
    return waits
  }

  #compare(a: Numbered, b: Numbered): number {
    if (this.#order === 'lifo') return b.number - a.number
    if (this.#order === 'fifo' || a.priority === b.priority) return a.number - b.number
    return a.priority > b.priority ? -1 : 1
  }
}

type Command = 'leave' | { readonly enter: number } | { readonly abandon: number }

const priorities = fc.constantFrom(
  0,
  0,
  0,
  -0,
  1,
  2,
  -1,
  0.5,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e300,
)
const commands = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: priorities.map<Command>((enter) => ({ enter })) },
    { weight: 2, arbitrary: fc.constant<Command>('leave') },
    { weight: 1, arbitrary: fc.nat(60).map<Command>((abandon) => ({ abandon })) },
  ),
  { maxLength: 200, size: 'max' },
)

const ORDERS: readonly QueueOrder[] = ['fifo', 'lifo', 'priority']

describe.each(ORDERS)('a compartment with a queue in order %s', (order) => {
  test('agrees with a sorted list at any sequence of calls: places, order, hand-over, displacement, conservation', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(8), commands, (limit, queueLimit, sequence) => {
        const compartment = new BulkheadState<Numbered>({ limit, queueLimit, order })
        const model = new Model(limit, queueLimit, order)
        const came: Numbered[] = []
        for (const command of sequence) {
          if (command === 'leave') {
            if (model.inUse === 0) continue
            // Whose turn it is has the place now, and it was never free meanwhile.
            expect(compartment.leave()).toBe(model.leave())
          } else if ('enter' in command) {
            const waiter = new Numbered(came.length, command.enter)
            came.push(waiter)
            const entered = model.tryEnter()
            expect(compartment.tryAcquire()).toBe(entered)
            if (!entered) {
              const left = model.queueUp(waiter)
              expect(compartment.hasRoom(waiter.priority)).toBe(left !== waiter)
              if (left !== waiter) expect(compartment.enqueue(waiter)).toBe(left)
            }
          } else {
            const waiter = came[command.abandon]
            if (waiter === undefined) continue
            expect(compartment.removeFromQueue(waiter)).toBe(model.leaveQueue(waiter))
          }
          expect([compartment.inUse, compartment.queued]).toEqual([model.inUse, model.queue.length])
          expect(compartment.queued === 0 || compartment.inUse === limit).toBe(true)
          expect(came.filter(({ waiting }) => waiting)).toEqual(
            [...model.queue].sort((one, other) => one.number - other.number),
          )
        }
        // Whoever still works leaves: everybody who waits gets a place, in order, and in the end none is taken.
        while (compartment.inUse > 0) expect(compartment.leave()).toBe(model.leave())
        expect([compartment.queued, model.queue]).toEqual([0, []])
      }),
      { numRuns: 300 },
    )
  })

  test('a place that becomes free goes to the next of the queue, and a newcomer cannot take it', () => {
    const compartment = new BulkheadState<Numbered>({ limit: 1, queueLimit: 1, order })
    const waiter = new Numbered(1)
    expect(compartment.tryAcquire()).toBe(true)
    expect(compartment.enqueue(waiter)).toBeUndefined()
    expect(compartment.leave()).toBe(waiter)
    expect(compartment.tryAcquire()).toBe(false)
    expect(compartment.leave()).toBeUndefined()
    expect(compartment.tryAcquire()).toBe(true)
  })

  test('who leaves the queue does so once, from its head, its middle and its end', () => {
    const compartment = new BulkheadState<Numbered>({ limit: 1, queueLimit: 4, order })
    compartment.tryAcquire()
    const waiters = [1, 2, 3, 4].map((number) => new Numbered(number, -number))
    for (const waiter of waiters) compartment.enqueue(waiter)
    for (const index of [1, 0, 3]) {
      expect(compartment.removeFromQueue(waiters[index] as Numbered)).toBe(true)
      expect(compartment.removeFromQueue(waiters[index] as Numbered)).toBe(false)
    }
    expect(compartment.queued).toBe(1)
    expect(compartment.leave()?.number).toBe(3)
    // Handed over: the place is its own now, and leaving the queue gives nothing back.
    expect(compartment.removeFromQueue(waiters[2] as Numbered)).toBe(false)
    expect(compartment.inUse).toBe(1)
  })

  test('without a queue nobody waits, whatever the priority', () => {
    const compartment = new BulkheadState<Numbered>({ limit: 1, queueLimit: 0, order })
    compartment.tryAcquire()
    expect(compartment.hasRoom(Number.POSITIVE_INFINITY)).toBe(false)
  })
})

/** Fills a full queue, has a third leave it, displaces a third, and serves all, in the right order. */
function churn(count: number, priorityOf: (number: number) => number): void {
  const compartment = new BulkheadState<Numbered>({ limit: 1, queueLimit: count, order: 'priority' })
  const waiters = Array.from({ length: count }, (_, number) => new Numbered(number, priorityOf(number)))
  compartment.tryAcquire()
  for (const waiter of waiters) compartment.enqueue(waiter)
  for (let n = 0; n < count; n += 3) compartment.removeFromQueue(waiters[n] as Numbered)
  for (let n = 0; n < count; n += 3) compartment.enqueue(new Numbered(n, priorityOf(n)))
  for (let n = 0; n < count; n += 3) compartment.enqueue(new Numbered(n, 1e6))
  expect(compartment.queued).toBe(count)
  let lowest = Number.POSITIVE_INFINITY
  for (let next = compartment.leave(); next !== undefined; next = compartment.leave()) {
    if (next.priority > lowest) throw new Error(`${next.priority} after ${lowest}`)
    lowest = next.priority
  }
  expect(compartment.queued).toBe(0)
}

describe('many waiters', () => {
  // A search among all who wait would take minutes, and so run into the time that a test has.
  test('a hundred thousand of a handful of priorities join, leave, are displaced and served', () => {
    churn(100_000, (number) => number % 7)
  })

  test('ten thousand, each of a priority of its own, too', () => {
    churn(10_000, (number) => (number * 7_919) % 10_000)
  })
})
