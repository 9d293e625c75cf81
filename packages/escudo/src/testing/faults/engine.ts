import { type Clock, systemClock } from '../../core/clock.ts'
import { abortReason } from '../../core/engine/abort-reason.ts'
import { type Listener, notify } from '../../core/events/events.ts'
import { checkedClock } from '../../core/options/clock.ts'
import { knownKeys, requiredFunction, wholeNumber } from '../../core/options/options.ts'
import { checkPlan, type Fault, type FaultRule } from './plan.ts'
import { ActiveRule, type FaultTarget } from './rule.ts'

/** Options of `faults`. */
export interface FaultsOptions {
  /** Repeats the same faults for the same calls. Default: random, and readable as `seed`. */
  readonly seed?: number | undefined
  /** The clock for delays and schedules. Default: the system clock. */
  readonly clock?: Clock | undefined
  /** The maximum number of faults. After it, no more faults are injected. Default 100000. */
  readonly maxInjections?: number | undefined
}

/** A fault that was injected. */
export interface FaultEvent {
  /** The number of this fault, counted from 1. */
  readonly number: number
  /** The index of the rule in the plan, from 0. */
  readonly rule: number
  readonly fault: Fault
  /** The delay before the call, in milliseconds. */
  readonly delayMs: number
  /** The call that the fault hit. */
  readonly target: FaultTarget
  /** The time of the decision, in milliseconds on the injector's clock. */
  readonly at: number
}

/** The fault that one call meets. */
export interface Injection {
  readonly fault: Fault
  readonly delayMs: number
}

// How often to check whether a server is closing.
const STOP_CHECK_MS = 50

/** Decides which calls meet a fault, and tracks running faults so that `halt` can end them. */
export class FaultEngine {
  readonly seed: number
  readonly #clock: Clock
  readonly #max: number
  readonly #listeners = new Set<Listener<FaultEvent>>()
  /** The running faults: a function that ends one, and a check for whether its server is closing. */
  readonly #running = new Map<() => void, (() => boolean) | undefined>()
  #rules: readonly ActiveRule[] = []
  #injected = 0
  #checks: ReturnType<typeof setInterval> | undefined

  constructor(plan: readonly FaultRule[], options: FaultsOptions) {
    knownKeys(options, 'faults', ['seed', 'clock', 'maxInjections'])
    const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
    this.seed = wholeNumber(seed, 'faults.seed', Number.MIN_SAFE_INTEGER)
    this.#clock = checkedClock(options.clock ?? systemClock, 'faults.clock')
    this.#max = wholeNumber(options.maxInjections ?? 100_000, 'faults.maxInjections', 0)
    this.replace(plan)
  }

  get injected(): number {
    return this.#injected
  }

  replace(plan: readonly FaultRule[]): void {
    const now = this.#clock.now()
    // An odd step modulo 2^32 gives neighbouring rules distant seeds.
    this.#rules = checkPlan(plan, 'plan').map(
      (rule, index) => new ActiveRule(rule, (this.seed + Math.imul(index, 0x9e3779b9)) | 0, now),
    )
  }

  clear(): void {
    this.#rules = []
  }

  halt(): void {
    this.clear()
    for (const end of [...this.#running.keys()]) end()
  }

  on(listener: Listener<FaultEvent>): () => void {
    requiredFunction(listener, 'faults.on')
    // A new function per subscription: a listener that subscribes twice is notified twice.
    const subscription: Listener<FaultEvent> = (event) => listener(event)
    this.#listeners.add(subscription)
    return () => {
      this.#listeners.delete(subscription)
    }
  }

  /**
   * Decides which fault a call meets, if any.
   *
   * Every rule evaluates every call. If several rules hit, the first one in the plan applies.
   */
  decide(target: FaultTarget): Injection | undefined {
    if (this.#injected >= this.#max) return undefined
    const at = this.#clock.now()
    let injection: Injection | undefined
    this.#rules.forEach((rule, index) => {
      const delayMs = rule.evaluate(target, at)
      if (delayMs === undefined || injection !== undefined) return
      rule.countHit()
      this.#injected += 1
      injection = { fault: rule.fault, delayMs }
      const event = { number: this.#injected, rule: index, fault: rule.fault, delayMs, target, at }
      for (const listener of [...this.#listeners]) notify(listener, event)
    })
    return injection
  }

  /**
   * Waits for a delay to pass.
   *
   * @returns false if `halt` ended it or the server closes: the fault then does not happen
   * @throws the signal's reason as soon as the signal aborts
   */
  delay(delayMs: number, signal?: AbortSignal | null, stopped?: () => boolean): Promise<boolean> {
    if (signal?.aborted) return Promise.reject(abortReason(signal))
    if (delayMs <= 0) return Promise.resolve(true)
    return this.#wait(signal, stopped, (end) => this.#clock.setTimer(() => end(true), delayMs))
  }

  /** Waits until `halt` or until the server closes. Rejects like {@link delay}. */
  async waitForHalt(signal?: AbortSignal | null, stopped?: () => boolean): Promise<void> {
    if (signal?.aborted) throw abortReason(signal)
    await this.#wait(signal, stopped, () => () => {})
  }

  /**
   * Tracks a running fault, so that `halt` or the closing of its server ends it.
   *
   * @param end ends the fault
   * @param stopped whether its server is closing
   * @returns a function to call when the fault ends by itself
   */
  track(end: () => void, stopped?: () => boolean): () => void {
    const entry = (): void => {
      untrack()
      end()
    }
    const untrack = (): void => {
      this.#running.delete(entry)
      if (this.#running.size > 0) return
      clearInterval(this.#checks)
      this.#checks = undefined
    }
    this.#running.set(entry, stopped)
    if (stopped !== undefined) this.#checks ??= this.#startChecks()
    return untrack
  }

  #wait(
    signal: AbortSignal | null | undefined,
    stopped: (() => boolean) | undefined,
    start: (end: (passed: boolean) => void) => () => void,
  ): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const untrack = this.track(() => end(false), stopped)
      const abort = (): void => {
        finish()
        reject(signal && abortReason(signal))
      }
      const end = (passed: boolean): void => {
        finish()
        resolve(passed)
      }
      const finish = (): void => {
        untrack()
        cancel()
        signal?.removeEventListener('abort', abort)
      }
      const cancel = start(end)
      signal?.addEventListener('abort', abort)
    })
  }

  /** Uses real time, because a server does not run on a virtual clock. Does not keep the process alive. */
  #startChecks(): ReturnType<typeof setInterval> {
    const checks = setInterval(() => {
      for (const [end, stopped] of [...this.#running]) if (stopped?.()) end()
    }, STOP_CHECK_MS)
    checks.unref?.()
    return checks
  }
}
