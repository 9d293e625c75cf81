import type { Binding } from '../../core/binding.ts'
import type { Clock } from '../../core/clock.ts'
import { afterWait, type CallState, enteredMs } from '../../core/engine/call.ts'
import type { CancelScope } from '../../core/engine/cancel-scope.ts'
import { Failure, passFailure, unwrap } from '../../core/engine/frame.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { Sleeper, sleep } from '../../core/engine/sleep.ts'
import { hasCallWatchers, reportWait } from '../../core/events/call-events.ts'
import { MisuseError } from '../../core/misuse-error.ts'
import type { PolicyStatus } from '../../core/policy.ts'
import type { SharedLimit } from '../../core/shared-state.ts'
import { emitExecuted } from '../shared/executed.ts'
import { noteCancelled, passCancelled } from '../shared/pass-cancelled.ts'

/** What the layer needs of its rate limiter. */
interface ExactLimiter {
  readonly maxWaitMs: number
  status(now: number): PolicyStatus
}

const TYPE = 'rateLimiter'

/** The layer of a rate limiter that asks the fleet for each permit. */
export function exactLayer(
  next: Layer,
  binding: Binding,
  limitOf: (key: string | undefined) => SharedLimit,
  limiter: ExactLimiter,
  refuse: (call: CallState, binding: Binding, retryAfterMs: number) => unknown,
): Layer {
  const { clock, events, policy, shield } = binding
  return {
    enter(call, operation, outer) {
      const cancelled = call.scope?.cancellation
      if (cancelled !== undefined) return passCancelled(call, cancelled.reason, policy, outer)
      const { cost = 1 } = call.root
      if (cost > 1) return passFailure(outer, new Failure(costOfFleet(binding), call.root))
      const startedMs = enteredMs(call)
      const limit = limitOf(call.root.key)
      return acquire(call, limit, clock, startedMs + limiter.maxWaitMs).then((retryAfterMs) => {
        const resumed = afterWait(call)
        const cancellation = cancellationAfterWait(resumed)
        const waitedMs = clock.now() - startedMs
        const fail = (error: unknown) => unwrap(passFailure(outer, new Failure(error, call.root)))
        if (cancellation !== undefined) {
          // The permit is lost. It comes again with time, and the fleet never admits too much.
          noteCancelled(resumed, policy, limiter.status(clock.now()))
          const { reason } = cancellation
          if (events.hasExecutedListeners) emitExecuted(binding, TYPE, 'aborted', waitedMs, reason)
          return fail(reason)
        }
        if (retryAfterMs !== undefined) return fail(refuse(resumed, binding, retryAfterMs))
        if (hasCallWatchers()) reportWait(shield, policy, TYPE, waitedMs)
        if (events.hasExecutedListeners) emitExecuted(binding, TYPE, 'admitted_after_wait', waitedMs)
        return unwrap(next.enter(resumed, operation, outer))
      })
    },
  }
}

/** The error of a call with a cost, which a limit of a fleet cannot charge. A mistake in the program. */
export function costOfFleet({ shield, policy }: Binding): MisuseError {
  return new MisuseError(
    `run.cost: shield '${shield}': the policy '${policy}' shares its limit with a fleet, which counts calls: a cost above 1 is not possible`,
  )
}

/** Waits for a permit. Returns when to try again, if none comes in time; undefined with a permit, or if cancelled. */
function acquire(call: CallState, limit: SharedLimit, clock: Clock, latestMs: number): Promise<number | undefined> {
  const { scope, deadline } = call
  return unlessCancelled(limit.acquireExactly(), scope).then((waitMs) => {
    if (waitMs === 0 || scope?.cancellation !== undefined) return undefined
    const permitMs = clock.now() + waitMs
    if (permitMs > latestMs || (deadline !== undefined && permitMs >= deadline)) return waitMs
    return sleep(waitMs, clock, scope).then(() =>
      scope?.cancellation === undefined ? acquire(call, limit, clock, latestMs) : undefined,
    )
  })
}

/** Resolves with the wait, or earlier with 0 if the call is cancelled. */
function unlessCancelled(waiting: Promise<number>, scope: CancelScope | undefined): Promise<number> {
  if (scope === undefined) return waiting
  return new Promise((resolve, reject) => {
    const sleeper = new Sleeper(() => resolve(0))
    sleeper.watch(scope)
    waiting.finally(() => sleeper.unwatch()).then(resolve, reject)
  })
}
