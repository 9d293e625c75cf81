import type { Ambient } from '../core/ambient.ts'
import { scopeOf, withScope } from '../core/call.ts'
import { type Duration, toMs } from '../core/durations.ts'
import { stackless, TimeoutError } from '../core/errors.ts'
import type { Countable } from '../core/events.ts'
import { checkedName, knownKeys } from '../core/options.ts'
import {
  type Binding,
  type Finding,
  type Policy,
  type PolicyFacts,
  type PolicyStatus,
  type Run,
  unbound,
} from '../core/policy.ts'
import { Scope } from '../core/scope.ts'
import { type TimerEntry, timerQueue } from '../core/timer-queue.ts'

/** Options of {@link timeout}. */
export interface TimeoutOptions {
  /** Default: `timeout`. */
  readonly name?: string
}

/**
 * Ends the wait for an operation after a time, with a {@link TimeoutError}. Inside of a retry it bounds each attempt,
 * outside of one all attempts together.
 *
 * It settles on time, also when the operation ignores its signal; the signal is aborted with the same error. What the
 * caller aborts keeps the caller's reason, and a timeout further in is not taken for this one. It ends when the
 * operation returns: a body that is still streaming then is not cut. Semantics after Polly v8 and failsafe-go.
 *
 * @param after how long the operation may take
 * @throws ConfigurationError for a duration that cannot work
 * @example
 * ```ts
 * import { shield, TimeoutError, timeout } from 'escudo'
 *
 * const inventory = shield('inventory', timeout('2s'))
 * const answer = await inventory.run(async ({ signal }) => {
 *   signal.throwIfAborted()
 *   return 42
 * })
 * console.log(answer, TimeoutError.name)
 * ```
 */
export function timeout(after: Duration, options: TimeoutOptions = {}): Policy {
  return new TimeoutPolicy(after, options)
}

const TYPE = 'timeout'
/** In time is whatever the operation came to by itself, an error too; aborted was given up from further out. */
const OUTCOMES = ['in_time', 'timed_out', 'aborted'] as const

class TimeoutPolicy implements Policy {
  readonly name: string
  readonly type = TYPE
  readonly settings: { readonly afterMs: number }
  readonly countable: Countable = { outcomes: OUTCOMES }
  #timeouts = 0

  constructor(after: Duration, options: TimeoutOptions) {
    knownKeys(options, 'timeout', ['name'])
    this.name = checkedName(options.name ?? 'timeout', 'timeout.name')
    this.settings = { afterMs: toMs(after, 'timeout.after', Number.MIN_VALUE) }
  }

  status(): PolicyStatus {
    return { timeouts: this.#timeouts }
  }

  check(inside: readonly PolicyFacts[]): readonly Finding[] {
    const { afterMs } = this.settings
    return inside
      .filter(({ type, settings }) => type === 'timeout' && (settings['afterMs'] as number) > afterMs)
      .map(({ name, settings }) => ({
        level: 'error',
        path: 'timeout.after',
        message: `the timeout '${name}' of ${settings['afterMs']} ms stands inside of one of ${afterMs} ms and would never fire; make it shorter, or the outer one longer`,
      }))
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    const { afterMs } = this.settings
    const { clock, events } = binding
    const queue = timerQueue(clock, afterMs)
    return async (call, operation) => {
      const scope = new TimeoutScope(binding, afterMs)
      queue.add(scope)
      const outside = scopeOf(call)
      if (outside !== undefined) scope.watch(outside)
      try {
        return await scope.settle(next, withScope(call, scope, scope.dueMs), operation)
      } finally {
        queue.remove(scope)
        scope.unwatch()
        // Here, and not where the timer fires: this is the context of the call.
        if (scope.expired) {
          this.#timeouts += 1
          if (events.hears('timeout')) {
            events.emit('timeout', { shield: binding.shield, policy: binding.policy, afterMs })
          }
        }
        if (events.hearsExecuted) executed(binding, scope)
      }
    }
  }
}

/** A function of its own, so that the one that runs at every call stays small. */
function executed({ events, shield, policy }: Binding, { cut, expired }: TimeoutScope): void {
  const outcome: (typeof OUTCOMES)[number] = cut === undefined ? 'in_time' : expired ? 'timed_out' : 'aborted'
  events.emit('executed', { type: 'executed', shield, policy, policyType: TYPE, outcome, attempts: 1 })
}

/** The scope of one timed call. It waits in the queue itself, so that a call in time allocates nothing for its timer. */
class TimeoutScope extends Scope implements TimerEntry {
  queued = false
  dueMs = 0
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  context: Ambient | undefined
  /** Whether this timeout, and nothing outside of it, cut the call. */
  expired = false
  readonly #binding: Binding
  readonly #afterMs: number

  constructor(binding: Binding, afterMs: number) {
    super()
    this.#binding = binding
    this.#afterMs = afterMs
  }

  expire(): void {
    if (this.cut !== undefined) return
    this.expired = true
    const make = (): TimeoutError => new TimeoutError(this.#binding, this.#afterMs)
    this.cutOff({ by: 'escudo', reason: this.#binding.stacks ? make() : stackless(make) })
  }
}
