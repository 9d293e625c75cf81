import { type BulkheadOptions, bulkhead, type RunOptions, type Shield, shield } from '../../../index.ts'
import { type VirtualClock, virtualClock } from '../../../testing/virtual-clock.ts'

export interface SetUp {
  readonly clock: VirtualClock
  readonly s: Shield
  /** Starts a call that runs until `end(name)`. Fulfils with its value, or else its error's code or its error. */
  readonly call: (name: string, options?: RunOptions) => Promise<unknown>
  /** Ends an operation, and runs everything that waits for it. */
  readonly end: (name: string) => Promise<void>
  readonly fail: (name: string, error: unknown) => void
  /** The names of the started operations, in order. */
  readonly started: readonly string[]
  readonly status: () => unknown
}

/** Creates a shield with only a bulkhead, on a virtual clock. */
export function setUp(options: BulkheadOptions): SetUp {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, bulkhead(options))
  const started: string[] = []
  const ends = new Map<string, (value?: unknown) => void>()
  const fails = new Map<string, (error: unknown) => void>()
  return {
    clock,
    s,
    call: (name, runOptions) =>
      s
        .run(
          () =>
            new Promise((resolve, reject) => {
              started.push(name)
              ends.set(name, resolve)
              fails.set(name, reject)
            }),
          runOptions,
        )
        .catch((error) => error?.code ?? error),
    end: async (name) => {
      ends.get(name)?.(name)
      await clock.advance(0)
    },
    fail: (name, error) => fails.get(name)?.(error),
    started,
    status: () => {
      const {
        name: _name,
        type: _type,
        limit: _limit,
        queueLimit: _queueLimit,
        ...rest
      } = s.status().policies[0] as Record<string, unknown>
      return rest
    },
  }
}

/** A clock that simulates a blocked event loop: `block` lets time pass without firing a timer. */
export function blockedClock(): VirtualClock & { block(ms: number): void } {
  const clock = virtualClock()
  let blockedMs = 0
  return {
    now: () => clock.now() + blockedMs,
    setTimer: (fire, delayMs, options) => clock.setTimer(fire, delayMs, options),
    advance: (duration) => clock.advance(duration),
    get pending() {
      return clock.pending
    },
    block: (ms) => {
      blockedMs += ms
    },
  }
}
