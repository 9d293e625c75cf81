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
import { slowLimitsOf, type Trip } from '../trips/trip-rule.ts'
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
  | { readonly do: 'exceed'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number; readonly advances: boolean }
  | { readonly do: 'trip' | 'isolate' | 'disable' | 'reset' | 'startCheck' | 'endCheck' }
  | { readonly do: 'saveAndRestore'; readonly shiftMs: number }

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
    { weight: 12, arbitrary: fc.record({ do: fc.constant('exceed' as const), which: fc.nat(20) }) },
    {
      weight: 14,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.oneof(fc.nat(30), fc.nat(200), fc.constantFrom(0, 100, 200, 400, 3_600_000)),
        advances: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('isolate' as const, 'disable' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('trip' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('reset' as const) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('startCheck' as const, 'endCheck' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('saveAndRestore' as const),
        shiftMs: fc.integer({ min: -5_000, max: 5_000 }),
      }),
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

function settingsOf(given: ModelSettings, onTransition: (transition: Transition) => void): BreakerSettings {
  const trips = given.rules.map(tripOf)
  return {
    trip: trips.length === 1 ? (trips[0] as Trip) : anyTrip(...trips),
    openPeriod: given.open,
    halfOpen: { probes: given.probes, closeAt: given.needed / given.probes, leaseMs: given.leaseMs },
    mode: given.observe ? 'observe' : 'enforce',
    ramp: given.ramp,
    onTransition,
  }
}

interface HeldPermit {
  readonly id: number
  readonly generation: number
  readonly isProbe: boolean
  readonly permit: Permit
  /** How many limits the call has exceeded while in flight. */
  exceeded: number
}

/** A breaker and its model, which receive the same commands. */
class Pair {
  readonly transitions: Transition[] = []
  readonly model: BreakerModel
  readonly settings: BreakerSettings
  breaker: Breaker
  held: HeldPermit[] = []
  check: { readonly openPeriod: OpenPeriod; readonly number: number } | undefined
  now = 10_000

  constructor(given: ModelSettings) {
    this.settings = settingsOf(given, (transition) => this.transitions.push(transition))
    this.breaker = new Breaker(this.settings)
    this.model = new BreakerModel(given)
  }

  do(command: Command, id: number): void {
    const { breaker, model, now } = this
    switch (command.do) {
      case 'acquire':
        this.acquires(id, command.chance)
        break
      case 'settle': {
        if (this.held.length === 0) break
        const [held] = this.held.splice(command.which % this.held.length, 1) as [HeldPermit]
        const { verdict, hintMs } = command
        const countedSlowMs = this.limitsMs[held.exceeded - 1]
        // A call that has exceeded a limit in flight takes longer than that.
        const durationMs = Math.max(command.durationMs, (countedSlowMs ?? -1) + 1)
        expect(breaker.settle(held.permit, verdict, now, hintMs, durationMs, countedSlowMs)).toBe(
          model.settle(held.id, held.generation, held.isProbe, verdict, now, hintMs || 0, durationMs, countedSlowMs),
        )
        break
      }
      case 'exceed': {
        const held = this.held[command.which % this.held.length]
        const limitMs = this.limitsMs[held?.exceeded ?? 0]
        if (held === undefined || limitMs === undefined) break
        held.exceeded += 1
        breaker.exceeds(limitMs, held.permit, now)
        model.exceeds(limitMs, held.id, held.generation, held.isProbe, now)
        break
      }
      case 'wait':
        this.now += command.ms
        // Without `advance` the breaker must notice the time at its next use.
        if (!command.advances) break
        breaker.advance(this.now)
        model.advance(this.now)
        break
      case 'startCheck':
        this.check = breaker.openPeriod && { openPeriod: breaker.openPeriod, number: model.openPeriod }
        break
      case 'endCheck':
        if (this.check === undefined) break
        expect(breaker.healthCheckSucceeded(this.check.openPeriod, now)).toBe(model.healthCheck(this.check.number, now))
        break
      case 'saveAndRestore': {
        const saved = JSON.parse(JSON.stringify(breaker.save(now))) as SavedBreaker
        model.saveAndRestore(now, command.shiftMs)
        this.now += command.shiftMs
        this.breaker = new Breaker(this.settings)
        this.breaker.restore(saved, this.now)
        // The calls in flight belonged to the old process.
        this.held = []
        break
      }
      case 'trip':
        breaker.trip(now, 'tripped manually')
        model.manual('trip', now)
        break
      default:
        breaker[command.do](now)
        model.manual(command.do, now)
    }
  }

  get limitsMs(): readonly number[] {
    return slowLimitsOf(this.settings.trip) ?? []
  }

  acquires(id: number, chance: number): boolean {
    const permit = this.breaker.sharedPermit ?? this.breaker.tryAcquire(this.now, () => chance)
    const expected = this.model.acquire(id, this.now, chance)
    expect(permit && (permit.probe ? 'probe' : 'shared')).toBe(expected)
    if (permit === undefined) return false
    this.held.push({ id, generation: this.model.generation, isProbe: permit.probe, permit, exceeded: 0 })
    return true
  }

  compare(): void {
    const { breaker, model, now } = this
    const seen = {
      state: breaker.state,
      failures: breaker.failures(now),
      calls: breaker.calls(now),
      openedMs: breaker.openPeriod?.openedMs,
      retryAfterMs: breaker.retryAfterMs(now),
      nextChangeMs: breaker.nextChangeMs(),
      admitting: breaker.admitting(now),
      transitions: this.transitions.length,
    }
    const [failures, calls] = model.counts(now)
    const expected = {
      state: model.state,
      failures,
      calls,
      openedMs: model.isOpenOrHalfOpen ? model.openedAt : undefined,
      retryAfterMs: model.retryAfterMs(now),
      nextChangeMs: model.nextChange(),
      admitting: model.admitting(now),
      transitions: model.changes.length,
    }
    // This runs half a million times: the slow `expect` runs only on a difference.
    if (Object.values(seen).join() !== Object.values(expected).join()) expect(seen).toEqual(expected)
  }
}

test('agrees with a simple model, for random options and random sequences of commands', () => {
  fc.assert(
    fc.property(settings, commands, (given, sequence) => {
      const pair = new Pair(given)
      const possible = transitionsOf(pair.settings.trip, true).map(({ from, to, reason }) => `${from} ${to} ${reason}`)
      sequence.forEach((command, id) => {
        pair.do(command, id)
        pair.compare()
        // `observe` rejects nothing in any state.
        if (given.observe && !pair.acquires(1_000_000 + id, 0.999)) expect.fail('a call was rejected')
      })
      const changes = pair.transitions.map(({ from, to, reason, at }) => ({ from, to, reason, at }))
      expect(changes).toEqual(pair.model.changes)
      for (const { from, to, reason } of pair.transitions) expect(possible).toContain(`${from} ${to} ${reason}`)
    }),
    { numRuns: RUNS },
  )
}, 120_000)

test('the random sequences reach every state and transition that matters', () => {
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
        if (command.do === 'exceed' && pair.breaker.state === 'open' && before !== 'open')
          count(`exceeded while ${before}`)
        if (command.do === 'saveAndRestore') count(`restored ${before}`)
        const admitting = pair.breaker.admitting(pair.now)
        if (admitting !== undefined) count(`ramp ${command.do}`)
        if (admitting !== undefined && pair.breaker.failures(pair.now) > 0) count('failures within a ramp')
      })
      for (const { from, to, reason } of pair.transitions) count(`${from} > ${to}: ${reason.replace(/\d+/, 'n')}`)
    }),
    { numRuns: 2_000, seed: 1 },
  )
  for (const what of [
    ...['restored closed', 'restored open', 'restored half-open', 'restored isolated', 'restored disabled'],
    ...['exceeded while closed', 'exceeded while half-open'],
    ...['ramp acquire', 'ramp settle', 'ramp saveAndRestore', 'failures within a ramp'],
    ...['closed > open: n consecutive failures', 'closed > open: failure rate of n %'],
    ...['closed > open: slow call rate of n %', 'half-open > open: a probe was too slow'],
    ...['half-open > open: a probe failed', 'half-open > open: a probe did not settle within its lease'],
    ...['half-open > closed: the probes succeeded', 'open > closed: the health check succeeded'],
  ]) {
    expect([what, (reached.get(what) ?? 0) >= 20]).toEqual([what, true])
  }
})
