import type { Verdict } from '../../../../core/outcome.ts'

// A naive model of the circuit breaker, easy to check: it keeps every call in a list and computes everything from that
// list. It follows the documented semantics, independently of breaker.ts, and breaker.ts must agree with it.

export type RuleSpec =
  | { readonly kind: 'consecutive'; readonly n: number }
  | {
      readonly kind: 'rate'
      /** Counts slow calls; undefined: counts failures. */
      readonly slowerThanMs: number | undefined
      /** The threshold in twentieths, so that the model needs no rounding. */
      readonly twentieths: number
      readonly minimum: number
      readonly window: { readonly calls: number } | { readonly bucketMs: number }
    }

export interface ModelSettings {
  readonly rules: readonly RuleSpec[]
  readonly open: {
    readonly baseMs: number
    readonly factor: number
    readonly maxMs: number
    readonly retryAfterMaxMs: number
  }
  readonly probes: number
  /** The number of successful probes that close the circuit. */
  readonly needed: number
  readonly leaseMs: number
  readonly observe: boolean
  readonly ramp: { readonly steps: readonly number[]; readonly eachMs: number } | undefined
}

interface Sample {
  readonly at: number
  readonly failed: boolean
  /** Whether a rule with this limit counts the call as slow; undefined if it has counted the call before. */
  slow(limitMs: number): boolean | undefined
  /** Whether the call is still in flight, so that only rules for slow calls count it. */
  readonly inFlight: boolean
  /** Whether it was restored from a saved state. Time windows have forgotten it. */
  readonly restored?: boolean
}

export interface Change {
  readonly from: string
  readonly to: string
  readonly reason: string
  readonly at: number
}

/** Evaluates a rule: the count, the number of calls, and whether it trips. */
function evaluate(rule: RuleSpec, samples: readonly Sample[], now: number): [number, number, boolean] {
  if (rule.kind === 'consecutive') {
    const settled = samples.filter(({ inFlight }) => !inFlight)
    const lastSuccess = settled.findLastIndex(({ failed }) => !failed)
    const failuresInRow = settled.length - 1 - lastSuccess
    return [failuresInRow, settled.length, failuresInRow >= rule.n]
  }
  const { window, slowerThanMs, minimum, twentieths } = rule
  const counted = samples.filter(({ inFlight, slow }) =>
    slowerThanMs === undefined ? !inFlight : slow(slowerThanMs) !== undefined,
  )
  const inWindow =
    'calls' in window
      ? counted.slice(-window.calls)
      : counted.filter(
          ({ at, restored }) => !restored && Math.floor(now / window.bucketMs) - Math.floor(at / window.bucketMs) < 20,
        )
  const hits = inWindow.filter(({ failed, slow }) => (slowerThanMs === undefined ? failed : slow(slowerThanMs)))
  return [hits.length, inWindow.length, inWindow.length >= minimum && hits.length * 20 >= twentieths * inWindow.length]
}

function reasonOf(rule: RuleSpec): string {
  if (rule.kind === 'consecutive') return `${rule.n} consecutive failures`
  return `${rule.slowerThanMs === undefined ? 'failure' : 'slow call'} rate of ${rule.twentieths * 5} %`
}

export class BreakerModel {
  state = 'closed'
  generation = 0
  samples: Sample[] = []
  openings = 0
  openedAt = 0
  openUntil = 0
  countAtOpening: [number, number] = [0, 0]
  /** The number of the current open period. A health check belongs to one open period. */
  openPeriod = 0
  inFlight: { readonly id: number; readonly endsAt: number }[] = []
  successes = 0
  failures = 0
  rampStart: number | undefined
  readonly changes: Change[] = []
  readonly settings: ModelSettings

  constructor(settings: ModelSettings) {
    this.settings = settings
  }

  get isOpenOrHalfOpen(): boolean {
    return this.state === 'open' || this.state === 'half-open'
  }

  transition(state: string, reason: string, now: number): void {
    this.changes.push({ from: this.state, to: state, reason, at: now })
    this.enter(state)
  }

  enter(state: string): void {
    this.state = state
    this.generation += 1
    this.inFlight = []
    this.successes = 0
    this.failures = 0
    this.rampStart = undefined
    this.samples = []
    if (!this.isOpenOrHalfOpen) this.openings = 0
  }

  open(reason: string, now: number, hintMs: number): void {
    if (this.state === 'closed') this.countAtOpening = this.counts(now, reason)
    this.openings += 1
    this.openPeriod += 1
    this.openedAt = now
    this.openUntil = now + Math.max(this.openForMs(this.openings), Math.min(hintMs, this.settings.open.retryAfterMaxMs))
    this.transition('open', reason, now)
  }

  openForMs(opening: number): number {
    const { baseMs, factor, maxMs } = this.settings.open
    let ms = baseMs
    for (let n = 1; n < opening; n += 1) ms *= factor
    return Math.min(ms, maxMs)
  }

  recover(reason: string, now: number): void {
    this.transition('closed', reason, now)
    if (this.settings.ramp !== undefined && !this.settings.observe) this.rampStart = now
  }

  advance(now: number): void {
    if (this.state === 'open' && now >= this.openUntil) this.transition('half-open', 'the open period ended', now)
    this.endLeases(now)
  }

  endLeases(now: number): void {
    for (;;) {
      // One at a time: each may decide, and then there are no probes left.
      const ended = this.inFlight.find(({ endsAt }) => now >= endsAt)
      if (ended === undefined) return
      this.countProbe(ended.id, 'a probe did not settle within its lease', now, 0)
    }
  }

  /** Counts a probe as failed if there is a reason, otherwise as successful. */
  countProbe(id: number, failureReason: string | undefined, now: number, hintMs: number): void {
    this.inFlight = this.inFlight.filter((probe) => probe.id !== id)
    if (failureReason === undefined) this.successes += 1
    else this.failures += 1
    const { probes, needed } = this.settings
    if (this.successes >= needed) this.recover('the probes succeeded', now)
    else if (probes - this.failures < needed) this.open(failureReason as string, now, hintMs)
  }

  acquire(id: number, now: number, chance: number): 'probe' | 'shared' | undefined {
    this.advance(now)
    const { probes, leaseMs, observe } = this.settings
    switch (this.state) {
      case 'closed':
        return chance < (this.admitting(now) ?? 1) ? 'shared' : undefined
      case 'disabled':
        return 'shared'
      case 'half-open':
        if (this.inFlight.length + this.successes + this.failures < probes) {
          this.inFlight.push({ id, endsAt: now + leaseMs })
          return 'probe'
        }
    }
    return observe ? 'shared' : undefined
  }

  settle(
    id: number,
    generation: number,
    isProbe: boolean,
    verdict: Verdict,
    now: number,
    hintMs: number,
    ms: number,
    countedSlowMs = -1,
  ): boolean {
    if (isProbe && generation === this.generation) this.endLeases(now)
    if (generation !== this.generation) return false
    if (isProbe) return this.settleProbe(id, verdict, now, hintMs, ms)
    if (verdict === 'ignored' || this.state !== 'closed') return true
    const failed = verdict === 'failure'
    const slow = (limitMs: number): boolean | undefined => (countedSlowMs >= limitMs ? undefined : ms > limitMs)
    this.samples.push({ at: now, failed, slow, inFlight: false })
    this.trip(
      now,
      failed ? hintMs : 0,
      (rule) => rule.kind === 'consecutive' || countedSlowMs < (rule.slowerThanMs ?? Number.POSITIVE_INFINITY),
    )
    return true
  }

  trip(now: number, hintMs: number, counts: (rule: RuleSpec) => boolean): void {
    const tripping = this.settings.rules.find((rule) => counts(rule) && evaluate(rule, this.samples, now)[2])
    if (tripping !== undefined) this.open(reasonOf(tripping), now, hintMs)
  }

  /** A call in flight exceeds a limit. */
  exceeds(limitMs: number, id: number, generation: number, isProbe: boolean, now: number): void {
    if (isProbe && generation === this.generation) this.endLeases(now)
    if (generation !== this.generation) return
    if (isProbe) {
      if (this.inFlight.some((probe) => probe.id === id)) this.countProbe(id, 'a probe was too slow', now, 0)
      return
    }
    if (this.state !== 'closed') return
    const slow = (limit: number): boolean | undefined => (limit === limitMs ? true : undefined)
    this.samples.push({ at: now, failed: false, slow, inFlight: true })
    this.trip(now, 0, (rule) => rule.kind === 'rate' && rule.slowerThanMs === limitMs)
  }

  settleProbe(id: number, verdict: Verdict, now: number, hintMs: number, ms: number): boolean {
    if (!this.inFlight.some((probe) => probe.id === id)) return false
    const limits = this.settings.rules.flatMap((rule) =>
      'slowerThanMs' in rule ? [rule.slowerThanMs ?? Infinity] : [],
    )
    if (verdict === 'ignored') this.inFlight = this.inFlight.filter((probe) => probe.id !== id)
    else if (verdict === 'failure') this.countProbe(id, 'a probe failed', now, hintMs)
    else this.countProbe(id, limits.some((limit) => ms > limit) ? 'a probe was too slow' : undefined, now, 0)
    return true
  }

  manual(action: 'trip' | 'isolate' | 'disable' | 'reset', now: number): void {
    this.advance(now)
    if (action === 'trip') {
      if (this.state === 'closed' || this.state === 'half-open') this.open('tripped manually', now, 0)
      return
    }
    const state = { isolate: 'isolated', disable: 'disabled', reset: 'closed' }[action]
    const reason = { isolate: 'isolated manually', disable: 'disabled manually', reset: 'reset manually' }[action]
    if (this.state !== state) this.transition(state, reason, now)
    // Resetting a closed circuit is no transition, but the results of calls in flight no longer count.
    else if (action === 'reset') this.enter('closed')
  }

  healthCheck(openPeriod: number, now: number): boolean {
    this.advance(now)
    if (!this.isOpenOrHalfOpen || openPeriod !== this.openPeriod) return false
    this.recover('the health check succeeded', now)
    return true
  }

  /** Another process continues from the saved state, with a clock that shows `shiftMs` more. */
  saveAndRestore(now: number, shiftMs: number): void {
    this.advance(now)
    const { rampStart } = this
    const stillRamping = this.admitting(now) !== undefined
    const { openings, samples } = this
    if (this.state === 'half-open') {
      this.openUntil = now
      this.enter('open')
    } else this.enter(this.state)
    this.openings = openings
    this.openUntil += shiftMs
    this.openedAt += shiftMs
    this.openPeriod += 1
    if (stillRamping) this.rampStart = (rampStart as number) + shiftMs
    if (this.state === 'closed') this.samples = samples.map((sample) => ({ ...sample, restored: true }))
  }

  admitting(now: number): number | undefined {
    const { ramp } = this.settings
    if (this.state !== 'closed' || this.rampStart === undefined || ramp === undefined) return undefined
    return ramp.steps.find((_share, index) => now < (this.rampStart as number) + (index + 1) * ramp.eachMs)
  }

  counts(now: number, reason?: string): [number, number] {
    if (this.isOpenOrHalfOpen) return this.countAtOpening
    const { rules } = this.settings
    const tripped = rules.find(
      (rule) => reason !== undefined && reasonOf(rule) === reason && evaluate(rule, this.samples, now)[2],
    )
    const [hits, calls] = evaluate(tripped ?? (rules[0] as RuleSpec), this.samples, now)
    return [hits, calls]
  }

  retryAfterMs(now: number): number | undefined {
    const { ramp } = this.settings
    if (this.state === 'open') return Math.max(0, this.openUntil - now)
    if (this.state === 'half-open') {
      const leases = this.inFlight.map(({ endsAt }) => endsAt - now)
      return Math.max(0, Math.min(...(leases.length > 0 ? leases : [0]), this.openForMs(this.openings + 1)))
    }
    if (ramp === undefined || this.admitting(now) === undefined) return undefined
    const ends = ramp.steps.map((_share, index) => (this.rampStart as number) + (index + 1) * ramp.eachMs)
    return (ends.find((end) => now < end) as number) - now
  }

  nextChange(): number | undefined {
    if (this.state === 'open') return this.openUntil
    return this.inFlight.length === 0 ? undefined : Math.min(...this.inFlight.map(({ endsAt }) => endsAt))
  }
}
