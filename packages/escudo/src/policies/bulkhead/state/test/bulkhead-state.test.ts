import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import { BulkheadState, type QueueOrder } from '../bulkhead-state.ts'
import type { PriorityWaiter } from '../priority-queue.ts'

class NumberedWaiter implements PriorityWaiter {
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

/** The same rules on a list that is sorted at each step: the next waiter is the first element. */
class Model {
  inUse = 0
  queue: NumberedWaiter[] = []
  readonly #limit: number
  readonly #queueLimit: number
  readonly #order: QueueOrder

  constructor(limit: number, queueLimit: number, order: QueueOrder) {
    this.#limit = limit
    this.#queueLimit = queueLimit
    this.#order = order
  }

  tryAcquire(): boolean {
    if (this.inUse === this.#limit) return false
    this.inUse += 1
    return true
  }

  /** Returns the waiter that gets no room in the queue: a displaced one, the new one, or none. */
  enqueue(waiter: NumberedWaiter): NumberedWaiter | undefined {
    const all = [...this.queue, waiter].sort((a, b) => this.#compare(a, b))
    if (all.length <= this.#queueLimit) {
      this.queue = all
      return undefined
    }
    const last = this.#order === 'priority' ? (all.at(-1) as NumberedWaiter) : waiter
    this.queue = all.filter((queued) => queued !== last)
    return last
  }

  release(): NumberedWaiter | undefined {
    const next = this.queue.shift()
    if (next === undefined) this.inUse -= 1
    return next
  }

  removeFromQueue(waiter: NumberedWaiter): boolean {
    const waits = this.queue.includes(waiter)
    this.queue = this.queue.filter((queued) => queued !== waiter)
    return waits
  }

  #compare(a: NumberedWaiter, b: NumberedWaiter): number {
    if (this.#order === 'lifo') return b.number - a.number
    if (this.#order === 'fifo' || a.priority === b.priority) return a.number - b.number
    return a.priority > b.priority ? -1 : 1
  }
}

type Command = 'release' | { readonly arrive: number } | { readonly abandon: number }

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
    { weight: 5, arbitrary: priorities.map<Command>((arrive) => ({ arrive })) },
    { weight: 2, arbitrary: fc.constant<Command>('release') },
    { weight: 1, arbitrary: fc.nat(60).map<Command>((abandon) => ({ abandon })) },
  ),
  { maxLength: 200, size: 'max' },
)

const ORDERS: readonly QueueOrder[] = ['fifo', 'lifo', 'priority']

describe.each(ORDERS)('BulkheadState with order %s', (order) => {
  test('agrees with a model on a sorted list for any sequence of commands', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(8), commands, (limit, queueLimit, sequence) => {
        const state = new BulkheadState<NumberedWaiter>({ limit, queueLimit, order })
        const model = new Model(limit, queueLimit, order)
        const arrived: NumberedWaiter[] = []
        for (const command of sequence) {
          if (command === 'release') {
            if (model.inUse === 0) continue
            // The next waiter has the permit now; it was never free in between.
            expect(state.release()).toBe(model.release())
          } else if ('arrive' in command) {
            const waiter = new NumberedWaiter(arrived.length, command.arrive)
            arrived.push(waiter)
            const admitted = model.tryAcquire()
            expect(state.tryAcquire()).toBe(admitted)
            if (!admitted) {
              const dropped = model.enqueue(waiter)
              expect(state.hasRoom(waiter.priority)).toBe(dropped !== waiter)
              if (dropped !== waiter) expect(state.enqueue(waiter)).toBe(dropped)
            }
          } else {
            const waiter = arrived[command.abandon]
            if (waiter === undefined) continue
            expect(state.removeFromQueue(waiter)).toBe(model.removeFromQueue(waiter))
          }
          expect([state.inUse, state.queued]).toEqual([model.inUse, model.queue.length])
          expect(state.queued === 0 || state.inUse === limit).toBe(true)
          expect(arrived.filter(({ waiting }) => waiting)).toEqual([...model.queue].sort((a, b) => a.number - b.number))
        }
        // All permits are released: each waiter gets one, in order, and in the end none is in use.
        while (state.inUse > 0) expect(state.release()).toBe(model.release())
        expect([state.queued, model.queue]).toEqual([0, []])
      }),
      { numRuns: 300 },
    )
  })

  test('hands a released permit to the next waiter; a new call cannot take it', () => {
    const state = new BulkheadState<NumberedWaiter>({ limit: 1, queueLimit: 1, order })
    const waiter = new NumberedWaiter(1)
    expect(state.tryAcquire()).toBe(true)
    expect(state.enqueue(waiter)).toBeUndefined()
    expect(state.release()).toBe(waiter)
    expect(state.tryAcquire()).toBe(false)
    expect(state.release()).toBeUndefined()
    expect(state.tryAcquire()).toBe(true)
  })

  test('removes a waiter once, from the head, the middle and the end of the queue', () => {
    const state = new BulkheadState<NumberedWaiter>({ limit: 1, queueLimit: 4, order })
    state.tryAcquire()
    const waiters = [1, 2, 3, 4].map((number) => new NumberedWaiter(number, -number))
    for (const waiter of waiters) state.enqueue(waiter)
    for (const index of [1, 0, 3]) {
      expect(state.removeFromQueue(waiters[index] as NumberedWaiter)).toBe(true)
      expect(state.removeFromQueue(waiters[index] as NumberedWaiter)).toBe(false)
    }
    expect(state.queued).toBe(1)
    expect(state.release()?.number).toBe(3)
    // It was admitted, so it is no longer in the queue, and its permit stays in use.
    expect(state.removeFromQueue(waiters[2] as NumberedWaiter)).toBe(false)
    expect(state.inUse).toBe(1)
  })

  test('has no room without a queue, whatever the priority', () => {
    const state = new BulkheadState<NumberedWaiter>({ limit: 1, queueLimit: 0, order })
    state.tryAcquire()
    expect(state.hasRoom(Number.POSITIVE_INFINITY)).toBe(false)
  })
})

/** Fills a queue, removes a third, refills it, displaces a third, and serves all in the right order. */
function churn(count: number, priorityOf: (number: number) => number): void {
  const state = new BulkheadState<NumberedWaiter>({ limit: 1, queueLimit: count, order: 'priority' })
  const waiters = Array.from({ length: count }, (_, number) => new NumberedWaiter(number, priorityOf(number)))
  state.tryAcquire()
  for (const waiter of waiters) state.enqueue(waiter)
  for (let n = 0; n < count; n += 3) state.removeFromQueue(waiters[n] as NumberedWaiter)
  for (let n = 0; n < count; n += 3) state.enqueue(new NumberedWaiter(n, priorityOf(n)))
  for (let n = 0; n < count; n += 3) state.enqueue(new NumberedWaiter(n, 1e6))
  expect(state.queued).toBe(count)
  let lowest = Number.POSITIVE_INFINITY
  for (let next = state.release(); next !== undefined; next = state.release()) {
    if (next.priority > lowest) throw new Error(`${next.priority} after ${lowest}`)
    lowest = next.priority
  }
  expect(state.queued).toBe(0)
}

describe('BulkheadState with many waiters', () => {
  // A search among all waiters would take minutes, and exceed the timeout of a test.
  test('adds, removes, displaces and serves 100 000 waiters of seven priorities', () => {
    churn(100_000, (number) => number % 7)
  })

  test('adds, removes, displaces and serves 10 000 waiters of distinct priorities', () => {
    churn(10_000, (number) => (number * 7_919) % 10_000)
  })
})
