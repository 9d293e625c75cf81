import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Compartment, type Waiter } from './compartment.ts'

class Numbered implements Waiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

interface Model {
  inUse: number
  queue: number[]
}

type Command = 'enter' | 'leave' | { readonly abandon: number }

const commands = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Command>('enter') },
    { weight: 3, arbitrary: fc.constant<Command>('leave') },
    { weight: 2, arbitrary: fc.nat(30).map<Command>((abandon) => ({ abandon })) },
  ),
  { maxLength: 150, size: 'max' },
)

test('at any sequence of calls it agrees with a list: places, order of the queue, hand-over, conservation', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(6), commands, (limit, queueLimit, sequence) => {
      const compartment = new Compartment<Numbered>(limit, queueLimit)
      const model: Model = { inUse: 0, queue: [] }
      const waiters: Numbered[] = []
      for (const command of sequence) {
        if (command === 'enter') {
          const free = model.inUse < limit
          expect(compartment.tryEnter()).toBe(free)
          if (free) model.inUse += 1
          else {
            const waiter = new Numbered(waiters.length)
            const room = model.queue.length < queueLimit
            expect(compartment.tryQueue(waiter)).toBe(room)
            if (room) {
              model.queue.push(waiter.number)
              waiters.push(waiter)
            }
          }
        } else if (command === 'leave') {
          if (model.inUse === 0) continue
          const next = model.queue.shift()
          if (next === undefined) model.inUse -= 1
          // The head of the queue has the place now, and it was never free meanwhile.
          expect(compartment.leave()?.number).toBe(next)
        } else {
          const waiter = waiters[command.abandon]
          if (waiter === undefined) continue
          const place = model.queue.indexOf(waiter.number)
          expect(compartment.leaveQueue(waiter)).toBe(place !== -1)
          if (place !== -1) model.queue.splice(place, 1)
        }
        expect(compartment.inUse).toBe(model.inUse)
        expect(compartment.inUse).toBeLessThanOrEqual(limit)
        expect(compartment.queued).toBe(model.queue.length)
        expect(waiters.filter(({ waiting }) => waiting).map(({ number }) => number)).toEqual(model.queue)
      }
      // Whoever still works leaves: everybody who waits gets a place, in order, and in the end none is taken.
      const served: number[] = []
      while (compartment.inUse > 0) {
        const next = compartment.leave()
        if (next !== undefined) served.push(next.number)
      }
      expect(served).toEqual(model.queue)
      expect(compartment.queued).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('a place that becomes free goes to the head of the queue, and a newcomer cannot take it', () => {
  const compartment = new Compartment<Numbered>(1, 2)
  const [first, second] = [new Numbered(1), new Numbered(2)]
  expect(compartment.tryEnter()).toBe(true)
  expect(compartment.tryQueue(first)).toBe(true)
  expect(compartment.tryQueue(second)).toBe(true)
  expect(compartment.leave()).toBe(first)
  expect(compartment.tryEnter()).toBe(false)
  expect(compartment.leave()).toBe(second)
  expect(compartment.tryEnter()).toBe(false)
  expect(compartment.leave()).toBeUndefined()
  expect(compartment.tryEnter()).toBe(true)
})

test('who leaves the queue does so once, from its head, its middle and its end', () => {
  const compartment = new Compartment<Numbered>(1, 4)
  compartment.tryEnter()
  const waiters = [1, 2, 3, 4].map((number) => new Numbered(number))
  for (const waiter of waiters) compartment.tryQueue(waiter)
  for (const index of [1, 0, 3]) {
    expect(compartment.leaveQueue(waiters[index] as Numbered)).toBe(true)
    expect(compartment.leaveQueue(waiters[index] as Numbered)).toBe(false)
  }
  expect(compartment.queued).toBe(1)
  expect(compartment.leave()?.number).toBe(3)
  // Handed over: the place is its own now, and leaving the queue gives nothing back.
  expect(compartment.leaveQueue(waiters[2] as Numbered)).toBe(false)
  expect(compartment.inUse).toBe(1)
})
