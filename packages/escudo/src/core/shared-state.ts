import type { Clock } from './clock.ts'
import type { BreakerState } from './events/events.ts'
import { ConfigurationError } from './options/configuration-error.ts'
import { show } from './options/durations.ts'
import type { Random } from './random.ts'

/**
 * State that the instances of a service share. `fleet()` of `escudo/redis` creates it.
 *
 * It is what a policy needs from a fleet: the library itself knows no store. No method waits, except those that return a
 * promise.
 */
export interface SharedState {
  /** Opens the permits of a rate limiter, for one key. Policies with the same shield, policy and key share them. */
  limit(of: SharedLimitOptions): SharedLimit
  /** Makes a circuit a member of the fleet's circuit. Circuits of the same shield and policy are one circuit. */
  circuit(member: CircuitOwner): SharedCircuit
  /** Opens the permits of a bulkhead. Policies with the same shield and policy share them. */
  permits(owner: PermitsOwner): SharedPermits
}

/** What a policy says about its limit. */
export interface SharedLimitOptions {
  readonly shield: string
  readonly policy: string
  readonly key: string | undefined
  readonly clock: Clock
  readonly limit: LimitOfFleet
  /** Whether to lease permits in advance; if not, only `acquireExactly` takes permits. */
  readonly leased: boolean
  readonly onLoss: OnLoss
  /** Called with the key when permits have come. One function per policy. */
  readonly onPermits: (key: string | undefined) => void
}

/** The limit of a whole fleet. */
export interface LimitOfFleet {
  /** How many permits come per `perMs`. */
  readonly limit: number
  readonly perMs: number
  /** How many unused permits are stored. */
  readonly burst: number
}

/** What an instance does while Redis does not answer. */
export type OnLoss = 'share' | 'open' | 'closed'

/** The permits of one key. Its synchronous methods are those of a rate limiter's own limits. */
export interface SharedLimit {
  tryAcquire(now: number): number | undefined
  giveBack(permit: number, now: number): void
  permitAtMs(ahead: number, now: number): number
  available(now: number): number
  resize(limit: LimitOfFleet, now: number): void
  /** 1: a fleet does not know costs. */
  readonly costMax: number
  readonly order: number
  /** Does nothing. */
  settle(): void
  /** Takes a permit from Redis itself. Returns 0, or how long to wait before the next try. Never rejects. */
  acquireExactly(): Promise<number>
}

/** A circuit as its fleet sees it. */
export interface CircuitOwner {
  readonly shield: string
  readonly policy: string
  readonly clock: Clock
  readonly random: Random
  /** The share of the instances with enough calls that opens the fleet's circuit. */
  readonly quorum: number
  local(now: number): LocalCircuit
  /** Does what the fleet has decided. */
  obey(decision: CircuitDecision, now: number): void
}

/** What an instance knows about its own circuit. */
export interface LocalCircuit {
  readonly state: BreakerState
  /** Whether it has had enough calls to judge. */
  readonly enoughCalls: boolean
  /** Whether a probe is in flight, or has been counted in this half-open state. */
  readonly probing: boolean
  /** The length of its open period, or else of its next one. */
  readonly openForMs: number
}

/** What an instance must do with its own circuit. */
export type CircuitDecision =
  /** Open, or stay open: only the fleet ends this open period. */
  | { readonly to: 'open'; readonly untilMs: number; readonly reason: string }
  /** Become or stay half-open. A probe may begin before `untilMs`. */
  | { readonly to: 'half-open'; readonly untilMs: number }
  | { readonly to: 'closed' }
  /** Redis does not answer: the open period ends at `untilMs`, and a half-open circuit admits probes without a lease. */
  | { readonly to: 'alone'; readonly untilMs: number }
  | { readonly to: 'isolated' }
  | { readonly to: 'reset' }

/** A circuit's connection to its fleet. */
export interface SharedCircuit {
  /** The circuit has changed its state by itself, or manually. */
  changed(from: BreakerState, to: BreakerState, now: number): void
  /** The circuit has refused a call. */
  refused(now: number): void
}

/** A bulkhead as its fleet sees it. */
export interface PermitsOwner {
  readonly shield: string
  readonly policy: string
  readonly clock: Clock
  readonly random: Random
  /** The number of permits of the whole fleet. */
  readonly limit: number
  /** Whether each permit is asked for. If not, some are held in advance. */
  readonly exact: boolean
  readonly onLoss: OnLoss
  /** What the bulkhead needs. Called for each question. */
  local(): LocalPermits
  /**
   * Called after each question and each answer: how many permits the instance may use now. The calls that it has already
   * started may be more.
   *
   * @param hasAnswer whether this is the answer for the calls of the last {@link local}, or the lack of one
   */
  onPermits(permits: number, hasAnswer: boolean): void
}

/** What an instance knows about its own bulkhead. */
export interface LocalPermits {
  readonly inUse: number
  /** How many calls wait for a permit. */
  readonly waiting: number
  /** The most permits in use since the last time. */
  readonly peak: number
}

/** The permits that an instance has of a fleet's bulkhead. */
export interface SharedPermits {
  /** Until when the number of permits holds. */
  readonly endsMs: number
  /** Call {@link short} when no more than this many permits are unused. */
  readonly lowWater: number
  /** A released permit goes back to the fleet if the instance may use more than this many. */
  readonly keepMax: number
  /** Whether Redis does not answer, so that the instance acts alone. */
  readonly isAlone: boolean
  /** Asks for the first permits. */
  start(): void
  /** Few permits are unused. */
  short(now: number): void
  /** A call found no permit, and perhaps waits for one. */
  foundNone(now: number): void
  /** {@link endsMs} has passed. */
  ended(now: number): void
  /** A permit beyond {@link keepMax} was released. */
  returned(): void
  resize(limit: number): void
}

/**
 * Returns the state if it is one of a fleet.
 *
 * @throws ConfigurationError for anything else
 */
export function checkedSharedState(shared: SharedState, path: string): SharedState {
  const { limit, circuit, permits } = shared ?? {}
  if ([limit, circuit, permits].every((method) => typeof method === 'function')) return shared
  throw new ConfigurationError(path, `expected the result of fleet() of 'escudo/redis', got ${show(shared)}`)
}
