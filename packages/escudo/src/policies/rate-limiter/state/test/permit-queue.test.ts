import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Waiter } from '../../../shared/state/queue.ts'
import { PermitQueue, type PermitWaiter } from '../permit-queue.ts'
import { ALGORITHMS, type Case } from './setup.ts'

class Numbered implements PermitWaiter {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  latestMs = 0
  permit: number | undefined
  readonly number: number
  readonly cameMs: number
  readonly deadline: number | undefined

  constructor(number: number, cameMs: number, deadline: number | undefined) {
    this.number = number
    this.cameMs = cameMs
    this.deadline = deadline
  }
}

// Permits come at whole milliseconds, so that the model can go from one to the next.
const settings: fc.Arbitrary<Case> = fc
  .record({
    limit: fc.integer({ min: 1, max: 5 }),
    everyMs: fc.integer({ min: 1, max: 20 }),
    burst: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ limit, everyMs, burst }) => ({ limit, perMs: limit * everyMs, burst }))

type Step =
  | { readonly do: 'come'; readonly deadlineMs: number | undefined }
  | { readonly do: 'leave'; readonly who: number }
  | { readonly do: 'giveBack'; readonly who: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'block'; readonly ms: number }

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('come' as const),
        deadlineMs: fc.option(fc.integer({ min: 0, max: 120 }), { nil: undefined, freq: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat(60) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('giveBack' as const), who: fc.nat(60) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 60 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('block' as const), ms: fc.constantFrom(5, 100, 30_000) }) },
  ),
  { maxLength: 100, size: 'max' },
)

/** Nothing but lists: who waits, which permits were taken; goes from millisecond to millisecond. */
class Model {
  readonly #allows: (taken: readonly number[], now: number) => boolean
  readonly #maxWaitMs: number
  waiting: Numbered[] = []
  taken: number[] = []
  granted: Numbered[] = []
  tooLate: Numbered[] = []

  constructor(maxWaitMs: number, allows: (taken: readonly number[], now: number) => boolean) {
    this.#maxWaitMs = maxWaitMs
    this.#allows = allows
  }

  free(now: number): boolean {
    return this.#allows(this.taken, now)
  }

  /** When the next one's permit comes, if all who wait take theirs as soon as they can. */
  permitAt(ahead: number, now: number): number {
    const then = [...this.taken]
    let at = now
    for (let before = 0; ; before += 1) {
      while (!this.#allows(then, at)) at += 1
      if (before === ahead) return at
      then.push(at)
    }
  }

  serve(now: number): void {
    for (let head = this.waiting[0]; head !== undefined; head = this.waiting[0]) {
      if (this.free(now)) {
        this.taken.push(now)
        this.granted.push(head)
      } else if (
        this.permitAt(0, now) > Math.min(head.cameMs + this.#maxWaitMs, head.deadline ?? Number.POSITIVE_INFINITY)
      )
        this.tooLate.push(head)
      else return
      this.waiting.shift()
    }
  }
}

describe.each(ALGORITHMS)('a line for permits, $name', ({ create, allows }) => {
  test('agrees with lists: who waits, who is refused, who goes when; who leaves gives its reservation to those behind', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 0, max: 150 }), steps, (how, maxWaitMs, todo) => {
        const queue = new PermitQueue<Numbered>(create(how), maxWaitMs)
        const model = new Model(maxWaitMs, (taken, now) => allows(taken.slice(-40), now, how))
        const all: Numbered[] = []
        const granted: Numbered[] = []
        const tooLate: Numbered[] = []
        let left = 0
        let now = 0
        let blocked = false

        const serve = (): void => {
          for (let one = queue.next(now); one !== undefined; one = queue.next(now)) {
            if (one.permit === undefined) tooLate.push(one)
            else {
              granted.push(one)
              // Patience holds, but where nobody looked.
              if (!blocked) expect(now - one.cameMs).toBeLessThanOrEqual(maxWaitMs)
              if (!blocked && one.deadline !== undefined) expect(now).toBeLessThan(one.deadline)
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
          } else if (step.do === 'come') {
            serve()
            const deadline = step.deadlineMs === undefined ? undefined : now + step.deadlineMs
            const one = new Numbered(all.length, now, deadline)
            all.push(one)
            const free = model.waiting.length === 0 && model.free(now)
            expect(queue.tryTake(now)).toBe(free ? now : undefined)
            if (free) {
              model.taken.push(now)
              one.permit = now
              granted.push(one)
              model.granted.push(one)
              continue
            }
            const permitAt = model.permitAt(model.waiting.length, now)
            const refusal = queue.refusalMs(deadline, now)
            if (permitAt - now > maxWaitMs) expect(refusal).toBe(permitAt - maxWaitMs - now)
            else if (deadline !== undefined && permitAt >= deadline) expect(refusal).toBe(permitAt - now)
            else {
              expect(refusal).toBeUndefined()
              queue.add(one, deadline, now)
              model.waiting.push(one)
            }
            if (refusal !== undefined) left += 1
          } else if (step.do === 'leave') {
            const one = all[step.who]
            if (one === undefined) continue
            const place = model.waiting.indexOf(one)
            expect(queue.remove(one)).toBe(place !== -1)
            if (place === -1) continue
            model.waiting.splice(place, 1)
            left += 1
          } else {
            // Only what has just been given comes back: a call that was cut before it could begin.
            const one = granted.at(-1)
            if (one?.permit !== now || model.taken.at(-1) !== now) continue
            queue.giveBack(now, now)
            model.taken.pop()
            one.permit = undefined
            serve()
          }
          expect(queue.queued).toBe(model.waiting.length)
          expect(queue.available(now) > 0).toBe(model.waiting.length === 0 && model.free(now))
        }
        passUntil(now + 1_000_000)
        // Everybody who came was let through, refused, or left: nobody is lost, and nobody goes twice.
        expect(queue.queued).toBe(0)
        expect(new Set([...granted, ...tooLate]).size).toBe(granted.length + tooLate.length)
        expect(granted.length + tooLate.length + left).toBe(all.length)
      }),
      { numRuns: 500 },
    )
  })

  test('nobody overtakes those who wait, also where their permits have come and nobody has looked', () => {
    const queue = new PermitQueue<Numbered>(create({ limit: 1, perMs: 100, burst: 1 }), 1_000)
    queue.tryTake(0)
    const waiter = new Numbered(1, 0, undefined)
    queue.add(waiter, undefined, 0)
    expect([queue.tryTake(500), queue.available(500)]).toEqual([undefined, 0])
    expect(queue.next(500)).toBe(waiter)
  })
})
