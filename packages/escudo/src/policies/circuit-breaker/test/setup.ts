import {
  type CircuitBreaker,
  type CircuitBreakerOptions,
  circuitBreaker,
  consecutive,
  type RunOptions,
  type Shield,
  shield,
} from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'
import type { StateChange } from '../circuits.ts'

export const fail = (): Promise<never> => Promise.reject(new Error('down'))
/** An operation that never settles and ignores its signal. */
export const never = (): Promise<never> => new Promise(() => {})

export interface Gate {
  readonly promise: Promise<unknown>
  resolve(value?: unknown): void
  reject(error: unknown): void
}

/** A promise that the test settles. */
export function gate(): Gate {
  let resolve: (value: unknown) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise((...settle) => {
    ;[resolve, reject] = settle
  })
  return { promise, resolve, reject }
}

export interface Setup {
  readonly clock: VirtualClock
  readonly breaker: CircuitBreaker
  readonly s: Shield
  /** All changes that the breaker's `stateChange` emitted. */
  readonly changes: StateChange[]
  /** Makes `n` calls one after another, and ignores their errors. */
  times(n: number, operation: () => unknown, options?: RunOptions): Promise<void>
  /** Makes a call and returns its error; `{ resolved }` if there is none. */
  errorOf(operation: () => unknown, options?: RunOptions): Promise<Record<string, unknown>>
  status(): Record<string, unknown>
}

/** A shield `s` with one breaker. By default the breaker opens at the first failure for 10 s. */
export function setUp(options: CircuitBreakerOptions = {}, random?: () => number): Setup {
  const clock = virtualClock()
  const breaker = circuitBreaker({ trip: consecutive(1), openFor: '10s', ...options })
  const s = shield(random === undefined ? { name: 's', clock } : { name: 's', clock, random }, breaker) as Shield
  const changes: StateChange[] = []
  breaker.on('stateChange', (change) => changes.push(change))
  return {
    ...{ clock, breaker, s, changes },
    async times(n, operation, runOptions) {
      for (let call = 0; call < n; call += 1) await s.run(operation, runOptions).catch(() => {})
    },
    async errorOf(operation, runOptions) {
      return await s.run(operation, runOptions).then(
        (value) => ({ resolved: value }),
        (error) => error,
      )
    },
    status: () => ({ ...s.status().policies[0] }),
  }
}

/** An operation that takes `ms` on the clock. */
export function taking(clock: VirtualClock, ms: number, outcome: 'ok' | 'down' = 'ok'): () => Promise<unknown> {
  return () =>
    new Promise((resolve, reject) => {
      clock.setTimer(() => (outcome === 'ok' ? resolve('ok') : reject(new Error('down'))), ms)
    })
}
