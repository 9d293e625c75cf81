import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Verdict } from '../../../../core/outcome.ts'
import { Breaker } from '../breaker.ts'
import type { OpenPeriod } from '../open-period.ts'
import type { Permit } from '../permit.ts'
import type { SavedBreaker } from '../saved-breaker.ts'
import type { BreakerSettings, Transition } from '../settings.ts'
import { transitionsOf } from '../transitions.ts'
import { anyTrip } from '../trips/any-trip.ts'
import { consecutive, failureRate, slowCallRate } from '../trips/trip.ts'
import type { Trip } from '../trips/trip-rule.ts'
import { BreakerModel, type ModelSettings, type RuleSpec } from './breaker-model.ts'

const RUNS = 3_000

const rule: fc.Arbitrary<RuleSpec> = fc.oneof(
  fc.record({ kind: fc.constant('consecutive' as const), n: fc.integer({ min: 1, max: 5 }) }),
  fc
    .record({
      slowerThanMs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }),
      twentieths: fc.integer({ min: 1, max: 20 }),
      minimum: fc.integer({ min: 1, max: 6 }),
      window: fc.oneof(
        fc.record({ calls: fc.oneof(fc.integer({ min: 6, max: 12 }), fc.constant(40)) }),
        fc.record({ bucketMs: fc.integer({ min: 1, max: 15 }) }),
      ),
    })
    .map((spec) => ({ kind: 'rate' as const, ...spec })),
)

const settings: fc.Arbitrary<ModelSettings> = fc
  .record({
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
    baseMs: fc.integer({ min: 1, max: 120 }),
    factor: fc.constantFrom(1, 2, 3),
    moreMs: fc.nat(400),
    retryAfterMaxMs: fc.constantFrom(0, 50, 200, 1_000),
    probes: fc.integer({ min: 1, max: 5 }),
    neededAt: fc.nat(4),
    leaseMs: fc.integer({ min: 1, max: 150 }),
    observe: fc.constantFrom(false, false, true),
    ramp: fc.option(
      fc.record({
        steps: fc.constantFrom([0.5], [0.05, 0.25, 0.5], [0.1, 1]),
        eachMs: fc.integer({ min: 20, max: 300 }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ rules, baseMs, factor, moreMs, retryAfterMaxMs, probes, neededAt, leaseMs, observe, ramp }) => ({
    ...{ rules, probes, leaseMs, observe, ramp },
    open: { baseMs, factor, maxMs: baseMs + moreMs, retryAfterMaxMs },
    needed: 1 + (neededAt % probes),
  }))

type Command =
  | { readonly do: 'acquire'; readonly chance: number }
  | {
      readonly do: 'settle'
      readonly which: number
      readonly verdict: Verdict
      readonly hintMs: number | undefined
      readonly durationMs: number
    }
  | { readonly do: 'wait'; readonly ms: number; readonly told: boolean }
  | { readonly do: 'isolate' | 'disable' | 'reset' | 'beginCheck' | 'endCheck' }
  | { readonly do: 'moveHouse'; readonly shiftMs: number }

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 30,
      arbitrary: fc.record({ do: fc.constant('acquire' as const), chance: fc.constantFrom(0, 0.04, 0.3, 0.6, 0.999) }),
    },
    {
      weight: 30,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        which: fc.nat(20),
        verdict: fc.constantFrom<Verdict>('success', 'success', 'failure', 'failure', 'ignored'),
        hintMs: fc.constantFrom(undefined, undefined, 0, 30, 150, 5_000, Number.NaN, -1),
        durationMs: fc.nat(25),
      }),
    },
    {
      weight: 14,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.oneof(fc.nat(30), fc.nat(200), fc.constantFrom(0, 100, 200, 400, 3_600_000)),
        told: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('isolate' as const, 'disable' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('beginCheck' as const, 'endCheck' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('moveHouse' as const), shiftMs: fc.integer({ min: -5_000, max: 5_000 }) }),
    },
  ),
  { minLength: 60, maxLength: 200, size: 'max' },
)

function tripOf(spec: RuleSpec): Trip {
  if (spec.kind === 'consecutive') return consecutive(spec.n)
  const { slowerThanMs, twentieths, minimum, window } = spec
  const options = {
    threshold: twentieths / 20,
    minimumCalls: minimum,
    window: 'calls' in window ? { calls: window.calls } : window.bucketMs * 20,
  }
  return slowerThanMs === undefined ? failureRate(options) : slowCallRate({ ...options, slowerThan: slowerThanMs })
}

function settingsOf(given: ModelSettings, heard: (transition: Transition) => void): BreakerSettings {
  const trips = given.rules.map(tripOf)
  return {
    trip: trips.length === 1 ? (trips[0] as Trip) : anyTrip(...trips),
    openTime: given.open,
    halfOpen: { probes: given.probes, closeAt: given.needed / given.probes, leaseMs: given.leaseMs },
    mode: given.observe ? 'observe' : 'enforce',
    ramp: given.ramp,
    onTransition: heard,
  }
}

interface Held {
  readonly id: number
  readonly era: number
  readonly isProbe: boolean
  readonly ticket: Permit
}

/** A breaker and its model, driven side by side. */
class Pair {
  readonly told: Transition[] = []
  readonly model: BreakerModel
  readonly settings: BreakerSettings
  breaker: Breaker
  held: Held[] = []
  check: { readonly outage: OpenPeriod; readonly number: number } | undefined
  now = 10_000

  constructor(given: ModelSettings) {
    this.settings = settingsOf(given, (transition) => this.told.push(transition))
    this.breaker = new Breaker(this.settings)
    this.model = new BreakerModel(given)
  }

  do(command: Command, id: number): void {
    const { breaker, model, now } = this
    switch (command.do) {
      case 'acquire':
        this.isAdmitted(id, command.chance)
        break
      case 'settle': {
        if (this.held.length === 0) break
        const [one] = this.held.splice(command.which % this.held.length, 1) as [Held]
        const { verdict, hintMs, durationMs } = command
        expect(breaker.settle(one.ticket, verdict, now, hintMs, durationMs)).toBe(
          model.settle(one.id, one.era, one.isProbe, verdict, now, hintMs || 0, durationMs),
        )
        break
      }
      case 'wait':
        this.now += command.ms
        // Sometimes nobody tells it: then it finds out at the next question.
        if (!command.told) break
        breaker.advance(this.now)
        model.pass(this.now)
        break
      case 'beginCheck':
        this.check = breaker.openPeriod && { outage: breaker.openPeriod, number: model.outage }
        break
      case 'endCheck':
        if (this.check === undefined) break
        expect(breaker.healthCheckSucceeded(this.check.outage, now)).toBe(model.healthCheck(this.check.number, now))
        break
      case 'moveHouse': {
        const saved = JSON.parse(JSON.stringify(breaker.save(now))) as SavedBreaker
        model.moveHouse(now, command.shiftMs)
        this.now += command.shiftMs
        this.breaker = new Breaker(this.settings)
        this.breaker.restore(saved, this.now)
        // Their calls belonged to the old process.
        this.held = []
        break
      }
      default:
        breaker[command.do](now)
        model.byHand(command.do, now)
    }
  }

  isAdmitted(id: number, chance: number): boolean {
    const ticket = this.breaker.sharedPermit ?? this.breaker.tryAcquire(this.now, () => chance)
    const expected = this.model.acquire(id, this.now, chance)
    expect(ticket && (ticket.probe ? 'probe' : 'pass')).toBe(expected)
    if (ticket === undefined) return false
    this.held.push({ id, era: this.model.era, isProbe: ticket.probe, ticket })
    return true
  }

  compare(): void {
    const { breaker, model, now } = this
    const seen = {
      state: breaker.state,
      failures: breaker.failures(now),
      calls: breaker.calls(now),
      openedMs: breaker.openedMs,
      retryAfterMs: breaker.retryAfterMs(now),
      nextChangeMs: breaker.nextChangeMs(),
      admitting: breaker.admitting(now),
      told: this.told.length,
    }
    const [failures, calls] = model.counts(now)
    const expected = {
      state: model.state,
      failures,
      calls,
      openedMs: model.down ? model.openedAt : undefined,
      retryAfterMs: model.retryAfterMs(now),
      nextChangeMs: model.nextChange(),
      admitting: model.admitting(now),
      told: model.changes.length,
    }
    // Half a million times, so `expect` has a look only where there is something to be seen.
    if (Object.values(seen).join() !== Object.values(expected).join()) expect(seen).toEqual(expected)
  }
}

test('with all options at random, at any sequence of whatever can be done, it agrees with a simple model', () => {
  fc.assert(
    fc.property(settings, commands, (given, sequence) => {
      const pair = new Pair(given)
      const possible = transitionsOf(pair.settings.trip, true).map(({ from, to, reason }) => `${from} ${to} ${reason}`)
      sequence.forEach((command, id) => {
        pair.do(command, id)
        pair.compare()
        // Under `observe` nothing is refused, whatever the state.
        if (given.observe && !pair.isAdmitted(1_000_000 + id, 0.999)) expect.fail('a call was refused')
      })
      expect(pair.told).toEqual(pair.model.changes)
      for (const { from, to, reason } of pair.told) expect(possible).toContain(`${from} ${to} ${reason}`)
    }),
    { numRuns: RUNS },
  )
}, 120_000)

test('the sequences reach what they are meant to prove', () => {
  const reached = new Map<string, number>()
  const count = (what: string): void => {
    reached.set(what, (reached.get(what) ?? 0) + 1)
  }
  fc.assert(
    fc.property(settings, commands, (given, sequence) => {
      const pair = new Pair(given)
      sequence.forEach((command, id) => {
        const before = pair.breaker.state
        pair.do(command, id)
        if (command.do === 'moveHouse') count(`restored ${before}`)
        const admitting = pair.breaker.admitting(pair.now)
        if (admitting !== undefined) count(`ramp ${command.do}`)
        if (admitting !== undefined && pair.breaker.failures(pair.now) > 0) count('failures within a ramp')
      })
      for (const { from, to, reason } of pair.told) count(`${from} > ${to}: ${reason.replace(/\d+/, 'n')}`)
    }),
    { numRuns: 2_000, seed: 1 },
  )
  for (const what of [
    ...['restored closed', 'restored open', 'restored half-open', 'restored isolated', 'restored disabled'],
    ...['ramp acquire', 'ramp settle', 'ramp moveHouse', 'failures within a ramp'],
    ...['closed > open: n consecutive failures', 'closed > open: failure rate of n %'],
    ...['closed > open: slow call rate of n %', 'half-open > open: a probe was too slow'],
    ...['half-open > open: a probe failed', 'half-open > open: a probe did not settle within its lease'],
    ...['half-open > closed: the probes succeeded', 'open > closed: the health check succeeded'],
  ]) {
    expect([what, (reached.get(what) ?? 0) >= 20]).toEqual([what, true])
  }
})
