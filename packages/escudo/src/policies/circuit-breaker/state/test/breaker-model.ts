import type { Verdict } from '../../../../core/outcome.ts'

// The circuit breaker as one would explain it to somebody: every rule said once, every call kept in a list, everything
// looked up again each time. Written from the design and not from breaker.ts, with which it must agree.

export type RuleSpec =
  | { readonly kind: 'consecutive'; readonly n: number }
  | {
      readonly kind: 'rate'
      /** Undefined: failures count, and not slow calls. */
      readonly slowerThanMs: number | undefined
      /** The threshold in twentieths, so that nothing is rounded here. */
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
  readonly needed: number
  readonly leaseMs: number
  readonly observe: boolean
  readonly ramp: { readonly steps: readonly number[]; readonly eachMs: number } | undefined
}

interface Sample {
  readonly at: number
  readonly failed: boolean
  readonly durationMs: number
}

export interface Change {
  readonly from: string
  readonly to: string
  readonly reason: string
  readonly at: number
}

/** What a rule sees: how many count, among how many, and whether that trips. */
export function look(rule: RuleSpec, samples: readonly Sample[], now: number): [number, number, boolean] {
  if (rule.kind === 'consecutive') {
    const lastGood = samples.findLastIndex(({ failed }) => !failed)
    const row = samples.length - 1 - lastGood
    return [row, samples.length, row >= rule.n]
  }
  const { window, slowerThanMs, minimum, twentieths } = rule
  const held =
    'calls' in window
      ? samples.slice(-window.calls)
      : samples.filter(({ at }) => Math.floor(now / window.bucketMs) - Math.floor(at / window.bucketMs) < 20)
  const hits = held.filter(({ failed, durationMs }) =>
    slowerThanMs === undefined ? failed : durationMs > slowerThanMs,
  )
  return [hits.length, held.length, held.length >= minimum && hits.length * 20 >= twentieths * held.length]
}

export function reasonOf(rule: RuleSpec): string {
  if (rule.kind === 'consecutive') return `${rule.n} consecutive failures`
  return `${rule.slowerThanMs === undefined ? 'failure' : 'slow call'} rate of ${rule.twentieths * 5} %`
}

export class BreakerModel {
  state = 'closed'
  era = 0
  samples: Sample[] = []
  openings = 0
  openedAt = 0
  openUntil = 0
  countAtOpening: [number, number] = [0, 0]
  /** Counts the outages: a health check belongs to one. */
  outage = 0
  inFlight: { readonly id: number; readonly endsAt: number }[] = []
  good = 0
  bad = 0
  rampStart: number | undefined
  readonly changes: Change[] = []
  readonly settings: ModelSettings

  constructor(settings: ModelSettings) {
    this.settings = settings
  }

  get down(): boolean {
    return this.state === 'open' || this.state === 'half-open'
  }

  enter(state: string, reason: string, now: number): void {
    this.changes.push({ from: this.state, to: state, reason, at: now })
    this.begin(state)
  }

  begin(state: string): void {
    this.state = state
    this.era += 1
    this.inFlight = []
    this.good = 0
    this.bad = 0
    this.rampStart = undefined
    this.samples = []
    if (!this.down) this.openings = 0
  }

  open(reason: string, now: number, hintMs: number): void {
    if (this.state === 'closed') this.countAtOpening = this.counts(now, reason)
    this.openings += 1
    this.outage += 1
    this.openedAt = now
    this.openUntil = now + Math.max(this.ownMs(this.openings), Math.min(hintMs, this.settings.open.retryAfterMaxMs))
    this.enter('open', reason, now)
  }

  ownMs(opening: number): number {
    const { baseMs, factor, maxMs } = this.settings.open
    let ms = baseMs
    for (let n = 1; n < opening; n += 1) ms *= factor
    return Math.min(ms, maxMs)
  }

  recover(reason: string, now: number): void {
    this.enter('closed', reason, now)
    if (this.settings.ramp !== undefined && !this.settings.observe) this.rampStart = now
  }

  pass(now: number): void {
    if (this.state === 'open' && now >= this.openUntil) this.enter('half-open', 'the open time is over', now)
    this.endLeases(now)
  }

  endLeases(now: number): void {
    for (;;) {
      // The first, since it may decide, and then there are no probes any more.
      const ended = this.inFlight.find(({ endsAt }) => now >= endsAt)
      if (ended === undefined) return
      this.judge(ended.id, 'a probe did not settle within its lease', now, 0)
    }
  }

  /** Without a reason it was good. */
  judge(id: number, badReason: string | undefined, now: number, hintMs: number): void {
    this.inFlight = this.inFlight.filter((one) => one.id !== id)
    if (badReason === undefined) this.good += 1
    else this.bad += 1
    const { probes, needed } = this.settings
    if (this.good >= needed) this.recover('the probes succeeded', now)
    else if (probes - this.bad < needed) this.open(badReason as string, now, hintMs)
  }

  acquire(id: number, now: number, chance: number): 'probe' | 'pass' | undefined {
    this.pass(now)
    const { probes, leaseMs, observe } = this.settings
    switch (this.state) {
      case 'closed':
        return chance < (this.admitting(now) ?? 1) ? 'pass' : undefined
      case 'disabled':
        return 'pass'
      case 'half-open':
        if (this.inFlight.length + this.good + this.bad < probes) {
          this.inFlight.push({ id, endsAt: now + leaseMs })
          return 'probe'
        }
    }
    return observe ? 'pass' : undefined
  }

  settle(
    id: number,
    era: number,
    isProbe: boolean,
    verdict: Verdict,
    now: number,
    hintMs: number,
    ms: number,
  ): boolean {
    if (isProbe && era === this.era) this.endLeases(now)
    if (era !== this.era) return false
    if (isProbe) return this.settleProbe(id, verdict, now, hintMs, ms)
    if (verdict === 'ignored' || this.state !== 'closed') return true
    const failed = verdict === 'failure'
    this.samples.push({ at: now, failed, durationMs: ms })
    const tripping = this.settings.rules.find((rule) => look(rule, this.samples, now)[2])
    if (tripping !== undefined) this.open(reasonOf(tripping), now, failed ? hintMs : 0)
    return true
  }

  settleProbe(id: number, verdict: Verdict, now: number, hintMs: number, ms: number): boolean {
    if (!this.inFlight.some((one) => one.id === id)) return false
    const limits = this.settings.rules.flatMap((rule) =>
      'slowerThanMs' in rule ? [rule.slowerThanMs ?? Infinity] : [],
    )
    if (verdict === 'ignored') this.inFlight = this.inFlight.filter((one) => one.id !== id)
    else if (verdict === 'failure') this.judge(id, 'a probe failed', now, hintMs)
    else this.judge(id, limits.some((limit) => ms > limit) ? 'a probe was too slow' : undefined, now, 0)
    return true
  }

  byHand(what: 'isolate' | 'disable' | 'reset', now: number): void {
    this.pass(now)
    const state = { isolate: 'isolated', disable: 'disabled', reset: 'closed' }[what]
    const reason = { isolate: 'isolated by hand', disable: 'disabled by hand', reset: 'reset by hand' }[what]
    if (this.state !== state) this.enter(state, reason, now)
    // A closed circuit that is closed again: no change, but what is in flight belongs to what is forgotten.
    else if (what === 'reset') this.begin('closed')
  }

  healthCheck(outage: number, now: number): boolean {
    this.pass(now)
    if (!this.down || outage !== this.outage) return false
    this.recover('the health check succeeded', now)
    return true
  }

  /** Another process goes on, whose clock shows `shiftMs` more. */
  moveHouse(now: number, shiftMs: number): void {
    this.pass(now)
    const { rampStart } = this
    const stillRamping = this.admitting(now) !== undefined
    const openings = this.openings
    if (this.state === 'half-open') {
      this.openUntil = now
      this.begin('open')
    } else this.begin(this.state)
    this.openings = openings
    this.openUntil += shiftMs
    this.openedAt += shiftMs
    this.outage += 1
    if (stillRamping) this.rampStart = (rampStart as number) + shiftMs
  }

  admitting(now: number): number | undefined {
    const { ramp } = this.settings
    if (this.state !== 'closed' || this.rampStart === undefined || ramp === undefined) return undefined
    return ramp.steps.find((_share, index) => now < (this.rampStart as number) + (index + 1) * ramp.eachMs)
  }

  counts(now: number, reason?: string): [number, number] {
    if (this.down) return this.countAtOpening
    const { rules } = this.settings
    const shown = rules.find(
      (rule) => reason !== undefined && reasonOf(rule) === reason && look(rule, this.samples, now)[2],
    )
    const [hits, calls] = look(shown ?? (rules[0] as RuleSpec), this.samples, now)
    return [hits, calls]
  }

  retryAfterMs(now: number): number | undefined {
    const { ramp } = this.settings
    if (this.state === 'open') return Math.max(0, this.openUntil - now)
    if (this.state === 'half-open') {
      const leases = this.inFlight.map(({ endsAt }) => endsAt - now)
      return Math.max(0, Math.min(...(leases.length > 0 ? leases : [0]), this.ownMs(this.openings + 1)))
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
