import { type Clock, systemClock } from '../../core/clock.ts'
import { type Listener, notify } from '../../core/events/events.ts'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys, wholeNumber } from '../../core/options/options.ts'
import { checkPlan, type Fault, type FaultRule } from './plan.ts'
import { ActiveRule, type FaultTarget } from './rule.ts'

/** How faults are injected. */
export interface FaultsOptions {
  /** Makes the same calls meet the same faults. Default: drawn, and told by `seed`. */
  readonly seed?: number | undefined
  /** What delays and schedules run on. Default: the system's clock. */
  readonly clock?: Clock | undefined
  /** After how many faults it ends for good. Default 100000. */
  readonly maxInjections?: number | undefined
}

/** A fault that was injected. */
export interface FaultEvent {
  /** From 1. */
  readonly number: number
  /** Which rule of the plan, from 0. */
  readonly rule: number
  readonly fault: Fault
  /** How long the call waited first. */
  readonly delayMs: number
  /** The call that was hit. */
  readonly target: FaultTarget
  /** On the injector's clock. */
  readonly at: number
}

/** What is to happen to one call. */
export interface Injection {
  readonly fault: Fault
  readonly delayMs: number
}

// How soon a server that closes is noticed by what waits for it to close.
const STOP_CHECK_MS = 50

/** Decides which calls are hit, and knows all that is under way, so that it can be ended. */
export class FaultEngine {
  readonly seed: number
  readonly #clock: Clock
  readonly #max: number
  readonly #listeners = new Set<Listener<FaultEvent>>()
  /** What is under way: ends it, and whether it should end because its server does. */
  readonly #held = new Map<() => void, (() => boolean) | undefined>()
  #rules: readonly ActiveRule[] = []
  #injected = 0
  #checks: ReturnType<typeof setInterval> | undefined

  constructor(plan: readonly FaultRule[], options: FaultsOptions) {
    knownKeys(options, 'faults', ['seed', 'clock', 'maxInjections'])
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
    this.seed = wholeNumber(seed, 'faults.seed', Number.MIN_SAFE_INTEGER)
    this.#clock = checkClock(options.clock ?? systemClock)
    this.#max = wholeNumber(options.maxInjections ?? 100_000, 'faults.maxInjections', 0)
    this.replace(plan)
  }

  get injected(): number {
    return this.#injected
  }

  replace(plan: readonly FaultRule[]): void {
    const now = this.#clock.now()
    // An odd step through 32 bits: neighbouring rules get seeds far apart.
    this.#rules = checkPlan(plan, 'plan').map(
      (rule, index) => new ActiveRule(rule, (this.seed + Math.imul(index, 0x9e3779b9)) | 0, now),
    )
  }

  clear(): void {
    this.#rules = []
  }

  halt(): void {
    this.clear()
    for (const end of [...this.#held.keys()]) end()
  }

  on(listener: Listener<FaultEvent>): () => void {
    const own: Listener<FaultEvent> = (event) => listener(event)
    this.#listeners.add(own)
    return () => {
      this.#listeners.delete(own)
    }
  }

  /** What happens to a call; undefined: nothing. Every rule sees every call; of those that hit, the first one counts. */
  decide(target: FaultTarget): Injection | undefined {
    if (this.#injected >= this.#max) return undefined
    const at = this.#clock.now()
    let injection: Injection | undefined
    this.#rules.forEach((rule, index) => {
      const delayMs = rule.see(target, at)
      if (delayMs === undefined || injection !== undefined) return
      rule.hit()
      this.#injected += 1
      injection = { fault: rule.fault, delayMs }
      const event = { number: this.#injected, rule: index, fault: rule.fault, delayMs, target, at }
      for (const listener of [...this.#listeners]) notify(listener, event)
    })
    return injection
  }

  /**
   * Waits out a delay.
   *
   * @returns false when it was ended by `halt`: then the fault does not happen
   * @throws the reason of the signal, as soon as it aborts
   */
  delay(delayMs: number, signal?: AbortSignal | null, stopped?: () => boolean): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (delayMs <= 0) return Promise.resolve(true)
    return this.#wait(signal, stopped, (end) => this.#clock.setTimer(() => end(true), delayMs))
  }

  /** Waits until `halt`, for ever otherwise. Rejects like {@link delay}. */
  async hold(signal?: AbortSignal | null, stopped?: () => boolean): Promise<void> {
    if (signal?.aborted) throw signal.reason
    await this.#wait(signal, stopped, () => () => {})
  }

  /** Remembers something that goes on until it ends itself, or is ended: by `halt`, or because its server stops. */
  keep(end: () => void, stopped?: () => boolean): () => void {
    const entry = (): void => {
      leave()
      end()
    }
    const leave = (): void => {
      this.#held.delete(entry)
      if (this.#held.size > 0) return
      clearInterval(this.#checks)
      this.#checks = undefined
    }
    this.#held.set(entry, stopped)
    if (stopped !== undefined) this.#checks ??= this.#startChecks()
    return leave
  }

  #wait(
    signal: AbortSignal | null | undefined,
    stopped: (() => boolean) | undefined,
    start: (end: (passed: boolean) => void) => () => void,
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const leave = this.keep(() => end(false), stopped)
      const abort = (): void => {
        finish()
        reject(signal?.reason)
      }
      const end = (passed: boolean): void => {
        finish()
        resolve(passed)
      }
      const finish = (): void => {
        leave()
        cancel()
        signal?.removeEventListener('abort', abort)
      }
      const cancel = start(end)
      signal?.addEventListener('abort', abort)
    })
  }

  /** On real time: a server that closes does not run on a virtual clock. Holds no process alive. */
  #startChecks(): ReturnType<typeof setInterval> {
    const checks = setInterval(() => {
      for (const [end, stopped] of [...this.#held]) if (stopped?.()) end()
    }, STOP_CHECK_MS)
    checks.unref?.()
    return checks
  }
}

function checkClock(clock: Clock): Clock {
  if (typeof clock?.now === 'function' && typeof clock.setTimer === 'function') return clock
  throw new ConfigurationError('faults.clock', `expected a clock, got ${show(clock)}`)
}
