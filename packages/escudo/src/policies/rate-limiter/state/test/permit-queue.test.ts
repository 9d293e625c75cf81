import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import { PermitQueue, type PermitWaiter } from '../permit-queue.ts'
import { ALGORITHMS, type Case } from './setup.ts'

class NumberedWaiter implements PermitWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  latestMs = 0
  permit: number | undefined
  readonly number: number
  readonly arrivedMs: number
  readonly deadline: number | undefined

  constructor(number: number, arrivedMs: number, deadline: number | undefined) {
    this.number = number
    this.arrivedMs = arrivedMs
    this.deadline = deadline
  }
}

// Permits come at whole milliseconds, so that the model can step by the millisecond.
const settings: fc.Arbitrary<Case> = fc
  .record({
    limit: fc.integer({ min: 1, max: 5 }),
    everyMs: fc.integer({ min: 1, max: 20 }),
    burst: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ limit, everyMs, burst }) => ({ limit, perMs: limit * everyMs, burst }))

type Step =
  | { readonly do: 'arrive'; readonly deadlineMs: number | undefined }
  | { readonly do: 'abort'; readonly index: number }
  | { readonly do: 'giveBack' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'block'; readonly ms: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('arrive' as const),
        deadlineMs: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined, freq: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), index: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'giveBack' as const }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('block' as const), ms: fc.constantFrom(5, 100, 30_000) }) },
  ),
  { maxLength: 100, size: 'max' },
)

/** The same rules on plain lists of waiters and taken permits, millisecond by millisecond. */
class Model {
  readonly #allows: (taken: readonly number[], now: number) => boolean
  readonly #maxWaitMs: number
  waiting: NumberedWaiter[] = []
  taken: number[] = []
  granted: NumberedWaiter[] = []
  tooLate: NumberedWaiter[] = []

  constructor(maxWaitMs: number, allows: (taken: readonly number[], now: number) => boolean) {
    this.#maxWaitMs = maxWaitMs
    this.#allows = allows
  }

  isFree(now: number): boolean {
    return this.#allows(this.taken, now)
  }

  /** When a permit comes after `ahead` others, which take theirs as soon as they can. */
  permitAt(ahead: number, now: number): number {
    const taken = [...this.taken]
    let at = now
    for (let before = 0; ; before += 1) {
      while (!this.#allows(taken, at)) at += 1
      if (before === ahead) return at
      taken.push(at)
    }
  }

  serve(now: number): void {
    for (let head = this.waiting[0]; head !== undefined; head = this.waiting[0]) {
      const latestMs = Math.min(head.arrivedMs + this.#maxWaitMs, head.deadline ?? Number.POSITIVE_INFINITY)
      if (now > latestMs) this.tooLate.push(head)
      else if (this.isFree(now)) {
        this.taken.push(now)
        this.granted.push(head)
      } else if (this.permitAt(0, now) > latestMs) this.tooLate.push(head)
      else return
      this.waiting.shift()
    }
  }
}

describe.each(ALGORITHMS)('PermitQueue: $name', ({ create, allows }) => {
  test('agrees with a model on plain lists for any sequence of steps', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 0, max: 150 }), steps, (how, maxWaitMs, todo) => {
        const queue = new PermitQueue<NumberedWaiter>(create(how), maxWaitMs)
        const model = new Model(maxWaitMs, (taken, now) => allows(taken.slice(-40), now, how))
        const all: NumberedWaiter[] = []
        const granted: NumberedWaiter[] = []
        const tooLate: NumberedWaiter[] = []
        let gone = 0
        let now = 0
        let blocked = false

        const serve = (): void => {
          for (let waiter = queue.next(now); waiter !== undefined; waiter = queue.next(now)) {
            if (waiter.permit === undefined) tooLate.push(waiter)
            else {
              granted.push(waiter)
              expect(now - waiter.arrivedMs).toBeLessThanOrEqual(maxWaitMs)
              // The policy itself compares the instant with the deadline. Here it may be equal after a blocked event loop.
              if (!blocked && waiter.deadline !== undefined) expect(now).toBeLessThan(waiter.deadline)
            }
          }
          model.serve(now)
          expect(granted.map(({ number }) => number)).toEqual(model.granted.map(({ number }) => number))
          expect(tooLate.map(({ number }) => number)).toEqual(model.tooLate.map(({ number }) => number))
          if (!blocked) expect(tooLate).toEqual([])
        }
        const passUntil = (untilMs: number): void => {
          for (let delayMs = queue.delayMs(now); delayMs !== undefined; delayMs = queue.delayMs(now)) {
            if (now + delayMs > untilMs) break
            expect(delayMs).toBeGreaterThan(0)
            now += delayMs
            serve()
          }
          now = untilMs
        }

        for (const step of todo) {
          if (step.do === 'pass') passUntil(now + step.ms)
          else if (step.do === 'block') {
            now += step.ms
            blocked = true
            serve()
          } else if (step.do === 'arrive') {
            serve()
            const deadline = step.deadlineMs === undefined ? undefined : now + step.deadlineMs
            const waiter = new NumberedWaiter(all.length, now, deadline)
            all.push(waiter)
            const free = model.waiting.length === 0 && model.isFree(now)
            expect(queue.tryAcquire(now)).toBe(free ? now : undefined)
            if (free) {
              model.taken.push(now)
              waiter.permit = now
              granted.push(waiter)
              model.granted.push(waiter)
              continue
            }
            const permitAt = model.permitAt(model.waiting.length, now)
            const retryAfterMs = queue.retryAfterMs(deadline, now)
            if (permitAt - now > maxWaitMs) expect(retryAfterMs).toBe(permitAt - maxWaitMs - now)
            else if (deadline !== undefined && permitAt >= deadline) expect(retryAfterMs).toBe(permitAt - now)
            else {
              expect(retryAfterMs).toBeUndefined()
              queue.add(waiter, deadline, now)
              model.waiting.push(waiter)
            }
            if (retryAfterMs !== undefined) gone += 1
          } else if (step.do === 'abort') {
            const waiter = all[step.index]
            if (waiter === undefined) continue
            const index = model.waiting.indexOf(waiter)
            expect(queue.remove(waiter)).toBe(index !== -1)
            if (index === -1) continue
            model.waiting.splice(index, 1)
            gone += 1
          } else {
            // Only a permit that was just granted is given back, as by a call that is cancelled before it starts.
            const waiter = granted.at(-1)
            if (waiter?.permit !== now || model.taken.at(-1) !== now) continue
            queue.giveBack(now, now)
            model.taken.pop()
            waiter.permit = undefined
            serve()
          }
          expect(queue.queued).toBe(model.waiting.length)
          expect(queue.available(now) > 0).toBe(model.waiting.length === 0 && model.isFree(now))
        }
        passUntil(now + 1_000_000)
        // Each waiter was admitted, rejected or removed, exactly once.
        expect(queue.queued).toBe(0)
        expect(new Set([...granted, ...tooLate]).size).toBe(granted.length + tooLate.length)
        expect(granted.length + tooLate.length + gone).toBe(all.length)
      }),
      { numRuns: 500 },
    )
  })

  test('admits no new call before the waiters, even if their permits are due already', () => {
    const queue = new PermitQueue<NumberedWaiter>(create({ limit: 1, perMs: 100, burst: 1 }), 1_000)
    queue.tryAcquire(0)
    const waiter = new NumberedWaiter(1, 0, undefined)
    queue.add(waiter, undefined, 0)
    expect([queue.tryAcquire(500), queue.available(500)]).toEqual([undefined, 0])
    expect(queue.next(500)).toBe(waiter)
  })
})
