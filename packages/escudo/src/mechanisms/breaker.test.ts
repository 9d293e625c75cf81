import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Verdict } from '../core/outcome.ts'
import { Breaker, type Ticket, type Transition } from './breaker.ts'
import { consecutive } from './trip.ts'

const OPEN = { baseMs: 100, factor: 2, maxMs: 350 }

interface Settings {
  readonly trip: number
  readonly probes: number
  readonly needed: number
  readonly leaseMs: number
}

/** The breaker as one would explain it: every rule said once, nothing fast, every lease looked at each time. */
class Model {
  state = 'closed'
  era = 0
  row = 0
  openings = 0
  openUntil = 0
  probes: { readonly id: number; readonly endsAt: number }[] = []
  good = 0
  bad = 0
  readonly #settings: Settings

  constructor(settings: Settings) {
    this.#settings = settings
  }

  enter(state: string): void {
    this.state = state
    this.era += 1
    this.probes = []
    this.good = 0
    this.bad = 0
    if (state === 'closed') {
      this.row = 0
      this.openings = 0
    }
  }

  open(now: number): void {
    this.openings += 1
    this.openUntil = now + Math.min(OPEN.maxMs, OPEN.baseMs * OPEN.factor ** (this.openings - 1))
    this.enter('open')
  }

  pass(now: number): void {
    if (this.state === 'open' && now >= this.openUntil) this.enter('half-open')
    // One after the other, since the first one may decide, and then there are no probes any more.
    for (let ended = this.#ended(now); ended !== undefined; ended = this.#ended(now)) this.judge(ended.id, false, now)
  }

  #ended(now: number): { readonly id: number } | undefined {
    return this.probes.find((probe) => now >= probe.endsAt)
  }

  judge(id: number, good: boolean, now: number): void {
    this.probes = this.probes.filter((probe) => probe.id !== id)
    if (good) this.good += 1
    else this.bad += 1
    const { probes, needed } = this.#settings
    if (this.good >= needed) this.enter('closed')
    else if (probes - this.bad < needed) this.open(now)
  }

  acquire(id: number, now: number): boolean {
    this.pass(now)
    if (this.state === 'closed' || this.state === 'disabled') return true
    const { probes, leaseMs } = this.#settings
    if (this.state !== 'half-open' || this.probes.length + this.good + this.bad >= probes) return false
    this.probes.push({ id, endsAt: now + leaseMs })
    return true
  }

  settle(id: number, era: number, verdict: Verdict, now: number): boolean {
    this.pass(now)
    if (era !== this.era) return false
    if (this.state === 'half-open') {
      if (!this.probes.some((probe) => probe.id === id)) return false
      if (verdict === 'ignored') this.probes = this.probes.filter((probe) => probe.id !== id)
      else this.judge(id, verdict === 'success', now)
    } else if (this.state === 'closed' && verdict !== 'ignored') {
      this.row = verdict === 'failure' ? this.row + 1 : 0
      if (this.row >= this.#settings.trip) this.open(now)
    }
    return true
  }
}

type Command =
  | { readonly do: 'acquire' | 'isolate' | 'reset' | 'disable' }
  | { readonly do: 'settle'; readonly which: number; readonly verdict: Verdict }
  | { readonly do: 'wait'; readonly ms: number }

const settle = fc.record({
  do: fc.constant('settle' as const),
  which: fc.nat(20),
  verdict: fc.constantFrom<Verdict>('success', 'failure', 'failure', 'ignored'),
})
const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.oneof(fc.nat(120), fc.constantFrom(0, 100, 200, 350)),
})
const commands = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Command>({ do: 'acquire' }) },
    { weight: 8, arbitrary: settle },
    { weight: 5, arbitrary: wait },
    { weight: 1, arbitrary: fc.constantFrom<Command>({ do: 'isolate' }, { do: 'reset' }, { do: 'disable' }) },
  ),
  { maxLength: 120, size: 'max' },
)
const settings = fc
  .record({
    trip: fc.integer({ min: 1, max: 4 }),
    probes: fc.integer({ min: 1, max: 5 }),
    lease: fc.integer({ min: 1, max: 150 }),
  })
  .chain(({ trip, probes, lease }) =>
    fc.integer({ min: 1, max: probes }).map((needed) => ({ trip, probes, needed, leaseMs: lease })),
  )

test('at any sequence of acquire, settle, waiting, isolate, reset and disable it agrees with a simple model', () => {
  fc.assert(
    fc.property(settings, commands, (given, sequence) => {
      const { trip, probes, needed, leaseMs } = given
      const transitions: Transition[] = []
      const halfOpen = { probes, closeAt: needed / probes, leaseMs }
      const breaker = new Breaker(consecutive(trip).create(), 'why', OPEN, halfOpen, (t) => transitions.push(t))
      const model = new Model(given)
      const held: { readonly id: number; readonly era: number; readonly ticket: Ticket }[] = []
      let now = 0
      sequence.forEach((command, id) => {
        switch (command.do) {
          case 'acquire': {
            const ticket = breaker.tryAcquire(now)
            expect(ticket !== undefined).toBe(model.acquire(id, now))
            if (ticket === undefined) break
            expect(ticket.probe).toBe(model.state === 'half-open')
            held.push({ id, era: model.era, ticket })
            break
          }
          case 'settle': {
            if (held.length === 0) break
            const [one] = held.splice(command.which % held.length, 1) as [(typeof held)[0]]
            expect(breaker.settle(one.ticket, command.verdict, now)).toBe(
              model.settle(one.id, one.era, command.verdict, now),
            )
            break
          }
          case 'wait':
            now += command.ms
            breaker.advance(now)
            model.pass(now)
            break
          default:
            model.pass(now)
            breaker[command.do](now)
            if (command.do === 'reset') {
              // Already closed: what was counted is forgotten, and the era goes on.
              if (model.state === 'closed') model.row = 0
              else model.enter('closed')
            } else {
              const state = command.do === 'isolate' ? 'isolated' : 'disabled'
              if (model.state !== state) model.enter(state)
            }
        }
        expect(breaker.state).toBe(model.state)
        if (model.state === 'open') expect(breaker.retryAfterMs(now)).toBe(model.openUntil - now)
        if (model.state === 'closed') expect(breaker.failures(now)).toBe(model.row)
        if (model.state === 'open' || model.state === 'half-open') expect(breaker.failures(now)).toBe(trip)
        // Never more probes in flight, and decided, than the circuit lets through.
        expect(model.probes.length + model.good + model.bad).toBeLessThanOrEqual(probes)
      })
      // Every change was told, and each began where the one before ended.
      let from = 'closed'
      for (const transition of transitions) {
        expect(transition.from).toBe(from)
        expect(transition.to).not.toBe(from)
        from = transition.to
      }
      expect(from).toBe(breaker.state)
    }),
    { numRuns: 1_000 },
  )
})

test('time alone brings it on, whenever it is told the time: late news lead to the same state', () => {
  fc.assert(
    fc.property(
      settings,
      fc.array(fc.nat(200), { maxLength: 12, size: 'max' }),
      ({ trip, probes, needed, leaseMs }, stops) => {
        const halfOpen = { probes, closeAt: needed / probes, leaseMs }
        const make = (): Breaker => new Breaker(consecutive(trip).create(), 'why', OPEN, halfOpen, () => {})
        const [watched, asked] = [make(), make()]
        for (const breaker of [watched, asked]) {
          for (let n = 0; n < trip; n += 1) breaker.settle(breaker.tryAcquire(0) as Ticket, 'failure', 0)
          expect(breaker.state).toBe('open')
        }
        let now = 0
        for (const stop of stops) {
          now += stop
          watched.advance(now)
        }
        asked.advance(now)
        expect(asked.state).toBe(watched.state)
        expect(asked.retryAfterMs(now)).toBe(watched.retryAfterMs(now))
      },
    ),
  )
})

test('a probe whose lease ends gives its permit back, also when nobody is there to see it', () => {
  const halfOpen = { probes: 3, closeAt: 1 / 3, leaseMs: 50 }
  const breaker = new Breaker(consecutive(1).create(), 'why', OPEN, halfOpen, () => {})
  breaker.settle(breaker.tryAcquire(0) as Ticket, 'failure', 0)
  const hung = breaker.tryAcquire(100) as Ticket
  expect(hung.probe).toBe(true)
  breaker.tryAcquire(100)
  const third = breaker.tryAcquire(120) as Ticket
  expect(breaker.tryAcquire(149)).toBeUndefined()
  // The hung probe comes back at the very end of its lease: too late, and one failure all the same.
  expect(breaker.settle(hung, 'success', 150)).toBe(false)
  expect(breaker.state).toBe('half-open')
  expect(breaker.settle(third, 'success', 160)).toBe(true)
  expect(breaker.state).toBe('closed')
})
