import type { Binding } from '../../core/binding.ts'
import { enteredMs, withScope } from '../../core/engine/call.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { timerQueue } from '../../core/engine/timer-queue.ts'
import type { Countable } from '../../core/events/events.ts'
import type { Duration } from '../../core/options/durations.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { type OrderRule, TIMEOUT_RULES } from '../shared/order-rules.ts'
import { CooperativeFrame } from './cooperative-frame.ts'
import { OUTCOMES, type TimeoutContext, TimeoutFrame, type TimeoutOutcome } from './frame.ts'
import { readTimeout, type TimeoutOptions, type TimeoutSettings } from './options.ts'

/**
 * Limits how long the caller waits for an operation.
 *
 * After that time the call rejects with a `TimeoutError`. Inside a retry it limits each attempt; outside a retry it limits
 * all attempts together.
 *
 * It settles on time, even if the operation ignores its signal; the signal is aborted with the same error. An abort by
 * the caller keeps the caller's reason, and an inner timeout is not reported as this one. It ends when the operation
 * returns, so it does not cancel a body that still streams then. Semantics after Polly v8 and failsafe-go.
 *
 * With `mode: 'cooperative'` the operation gets a `grace` after its signal has aborted: a value that it returns by then is
 * the result of the call. An error of the operation becomes the `cause` of the `TimeoutError`. After cockatiel's
 * `TimeoutStrategy.Cooperative`, with a limit.
 *
 * @param after how long the operation may take, more than 0
 * @throws ConfigurationError for an invalid duration or option
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

class TimeoutPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = 'timeout'
  settings: TimeoutSettings
  readonly #options: ChangeableOptions<{ readonly after: Duration } & TimeoutOptions>
  countable: Countable
  #timeouts = 0

  constructor(after: Duration, options: TimeoutOptions) {
    super()
    const { name, settings } = readTimeout(after, options)
    this.name = name
    this.settings = settings
    this.countable = countableOf(settings)
    this.#options = new ChangeableOptions({ ...options, after }, this.type)
  }

  status(): PolicyStatus {
    return { timeouts: this.#timeouts }
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, ({ after, ...others }) => {
      const { settings } = readTimeout(after, others)
      const apply = (): void => {
        this.settings = settings
        this.countable = countableOf(settings)
      }
      return { apply, settings }
    })
  }

  protected override get orderRules(): readonly OrderRule[] {
    return TIMEOUT_RULES
  }

  layer(next: Layer, binding: Binding): Layer {
    const { settings } = this
    const queue = timerQueue(binding.clock, settings.afterMs)
    const onExpired = (): void => {
      this.#timeouts += 1
    }
    const context: TimeoutContext = { binding, settings, queue, onExpired }
    if (settings.graceMs !== undefined) return cooperativeLayer(context, settings.graceMs, next)
    return {
      enter(call, operation, outer) {
        const frame = new TimeoutFrame(outer, context)
        queue.add(frame, enteredMs(call))
        frame.watch(call.scope)
        return next.enter(withScope(call, frame, frame.dueMs), operation, frame)
      },
    }
  }
}

function cooperativeLayer(shared: TimeoutContext, graceMs: number, next: Layer): Layer {
  const context: TimeoutContext = { ...shared, graceQueue: timerQueue(shared.binding.clock, graceMs) }
  return {
    enter(call, operation, outer) {
      const frame = new CooperativeFrame(outer, context)
      context.queue.add(frame, enteredMs(call))
      frame.watch(call.scope)
      return next.enter(withScope(call, frame, frame.dueMs), operation, frame)
    },
  }
}

function countableOf({ graceMs }: TimeoutSettings): Countable {
  return { outcomes: graceMs === undefined ? OUTCOMES : [...OUTCOMES, 'in_grace' satisfies TimeoutOutcome] }
}
