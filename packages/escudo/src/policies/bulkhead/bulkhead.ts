import type { Binding } from '../../core/binding.ts'
import { afterWait, type CallState, enteredMs } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure, unwrap } from '../../core/engine/frame.ts'
import { cancellationAfterWait, expireOverdue } from '../../core/engine/late-start.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { timerQueue } from '../../core/engine/timer-queue.ts'
import { hasCallWatchers, reportWait } from '../../core/events/call-events.ts'
import { addNote } from '../../core/explain/notes.ts'
import type { Operation } from '../../core/operation.ts'
import type { OptionsChange, Policy, PolicyOptions, PolicyStatus } from '../../core/policy.ts'
import { BulkheadFullError } from '../shared/bulkhead-full-error.ts'
import { ChangeableOptions } from '../shared/changeable-options.ts'
import { type Enclosure, enclosure, heldPermitOf, whileHolding } from '../shared/enclosures.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { noteCancelled, passCancelled } from '../shared/pass-cancelled.ts'
import { refusal } from '../shared/refusal.ts'
import { FleetBulkhead } from './fleet-bulkhead.ts'
import { BulkheadFrame } from './frame.ts'
import { LastPermit } from './last-permit.ts'
import { type BulkheadOptions, readBulkhead, type SharingSettings } from './options.ts'
import { QueuedCall, type WaitOutcome } from './queued-call.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'
import { KeyedBulkheads } from './state/keyed-bulkheads.ts'

/**
 * Limits concurrent calls: at most `limit` operations run, at most `queue` calls wait.
 *
 * A call is rejected immediately with {@link BulkheadFullError} if all permits are in use and the queue is full. It is
 * rejected with the same error once it has waited longer than `maxWait`. One slow dependency therefore cannot use up
 * all connections or all memory. With `perKey` each key has separate permits, so that one tenant cannot use up all of
 * them.
 *
 * A permit is held until the work inside the bulkhead settles. With only an outer timeout, the permit is held while
 * the operation still runs, even after the timeout has settled the call. An inner timeout releases the permit when it
 * fires, even if the operation ignores its signal and still runs. In the recommended order the bulkhead is between two
 * timeouts, and the first one that fires releases the permit.
 *
 * A released permit goes to the next call in the queue; a new call cannot take it. A call leaves the queue immediately
 * when its caller aborts. A call whose deadline or `maxWait` has passed neither waits nor starts.
 *
 * A call made inside the call that holds the last permit would wait for itself. If no permit is free by then, it is
 * rejected immediately with an error that says so, if the runtime follows asynchronous calls (`AsyncLocalStorage`).
 *
 * The name comes from the watertight compartments in Nygard's "Release It!"; the semantics follow the concurrency
 * limiter of Polly v8.
 *
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { bulkhead, isRefusal, shield } from 'escudo'
 *
 * const reports = shield('reports', bulkhead({ limit: 5, queue: 5, maxWait: '1s', order: 'priority' }))
 * const report = await reports.run(async () => 'the report', { priority: 1 }).catch((error) => {
 *   if (isRefusal(error)) return 'busy, come back later'
 *   throw error
 * })
 * ```
 */
export function bulkhead(options: BulkheadOptions): Policy {
  return new BulkheadPolicy(options)
}

/** What the checks of a shield compare. */
interface Settings extends PolicyOptions {
  readonly maxWaitMs?: number
}

class BulkheadPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = 'bulkhead'
  settings: Settings
  readonly #options: ChangeableOptions<BulkheadOptions>
  readonly #states: KeyedBulkheads<QueuedCall>
  /** How to join the fleet; undefined if there is none, or once it is done. */
  #sharing: SharingSettings | undefined

  constructor(options: BulkheadOptions) {
    super()
    const { name, state, maxWaitMs, maxKeys, sharing } = readBulkhead(options)
    this.name = name
    this.#options = new ChangeableOptions(options, this.type, ['order', 'perKey', 'shared', 'exact', 'onLoss'])
    this.settings = settingsOf(maxWaitMs)
    this.#states = new KeyedBulkheads(state, maxKeys)
    this.#sharing = sharing
  }

  status(): PolicyStatus {
    const { keys } = this.#states
    const status = statusOf(this.#states.peek(undefined))
    return keys === undefined ? status : { ...status, keys }
  }

  reconfigure(given: PolicyOptions): OptionsChange {
    return this.#options.change(given, (options) => {
      const { state, maxWaitMs } = readBulkhead(options)
      const settings = settingsOf(maxWaitMs)
      const apply = (): void => {
        this.settings = settings
        for (const call of this.#states.resize(state)) call.admit()
      }
      return { apply, settings }
    })
  }

  layer(next: Layer, binding: Binding): Layer {
    const states = this.#states
    this.#join(binding)
    const { maxWaitMs } = this.settings
    const waitTimers = maxWaitMs === undefined ? undefined : timerQueue(binding.clock, maxWaitMs)
    return {
      enter: (call, operation, outer) => {
        const state = states.of(call.root.key)
        if (state.tryAcquire()) return start(call, operation, outer, state, next)
        // A call that is already cancelled fails with its own reason, not with a refusal, and displaces no other call.
        const cancellation = call.scope?.cancellation
        if (cancellation !== undefined) return passCancelled(call, cancellation.reason, binding.policy, outer)
        const around = enclosure()
        const problem = whyNotWait(call, state, around)
        if (problem !== undefined) {
          return passFailure(outer, new Failure(refuse(call, state, binding, problem), call.root))
        }
        // A policy outside may have worked so long that a timer is overdue.
        const late = expireOverdue(call)
        if (late !== undefined) return passCancelled(call, late.reason, binding.policy, outer)
        const queuedMs = hasCallWatchers() ? enteredMs(call) : undefined
        const queued = new QueuedCall(state, call.root.priority, around)
        state.enqueue(queued)?.displace()
        return queued.wait(call.scope, waitTimers).then((outcome) => {
          const resumed = afterWait(call)
          const failure = failureOfWait(resumed, queued, state, binding, outcome, maxWaitMs)
          if (failure !== undefined) return unwrap(passFailure(outer, failure))
          if (queuedMs !== undefined) {
            reportWait(binding.shield, binding.policy, 'bulkhead', enteredMs(resumed) - queuedMs)
          }
          return unwrap(start(resumed, operation, outer, state, next))
        })
      },
    }
  }

  /** The permits are those of the fleet from now on. Several shields with one bulkhead share those of the first one. */
  #join(binding: Binding): void {
    const sharing = this.#sharing
    if (sharing === undefined) return
    this.#sharing = undefined
    this.#states.share((settings) => new FleetBulkhead(settings, sharing, binding))
  }
}

function settingsOf(maxWaitMs: number | undefined): Settings {
  return maxWaitMs === undefined ? {} : { maxWaitMs }
}

/** Starts a call that has a permit. */
function start(
  call: CallState,
  operation: Operation<unknown>,
  outer: Frame,
  state: BulkheadState<QueuedCall>,
  next: Layer,
): FrameResult {
  let frame: BulkheadFrame | undefined
  try {
    if (state.inUse < state.limitMax) {
      frame = new BulkheadFrame(outer, state)
      return next.enter(call, operation, frame)
    }
    const permit = new LastPermit(state)
    frame = new BulkheadFrame(outer, permit)
    return enterHolding(permit, call, operation, frame, next)
  } catch (error) {
    // A layer throws only if the stack overflows. Release the permit first: little stack is left.
    if (frame === undefined) state.release()?.admit()
    else frame.release()
    return passFailure(outer, new Failure(error, call.root))
  }
}

/** A separate function: its closure must cost a call with another permit nothing. */
function enterHolding(
  permit: LastPermit,
  call: CallState,
  operation: Operation<unknown>,
  frame: BulkheadFrame,
  next: Layer,
): FrameResult {
  return whileHolding(permit, () => next.enter(call, operation, frame))
}

function statusOf(state: BulkheadState<QueuedCall>): PolicyStatus {
  const { inUse, limitMax, queued, queueLimit } = state
  const status = { inUse, limit: limitMax, queued, queueLimit }
  return state instanceof FleetBulkhead ? { ...status, queueLimit: state.queueMax, held: state.limit } : status
}

/** Returns why a call without a permit may not wait for one; undefined if it may. */
function whyNotWait(
  call: CallState,
  state: BulkheadState<QueuedCall>,
  around: Enclosure | undefined,
): string | undefined {
  if (heldPermitOf(state, around) !== undefined) return waitsForItself(state)
  return state.hasRoom(call.root.priority) ? undefined : full(state)
}

function full(state: BulkheadState<QueuedCall>): string {
  const { limitMax, queueLimit } = state
  if (!(state instanceof FleetBulkhead)) return `${limitMax} running, ${queueLimit} waiting`
  return `${state.inUse} running, ${state.queueMax} waiting; no permit of the fleet's ${limitMax} is free`
}

function waitsForItself({ limitMax }: BulkheadState<QueuedCall>): string {
  return `a call waits for itself: it was made inside the call that holds the last permit (limit ${limitMax}); call the function without the shield, or give the inner call a separate bulkhead`
}

/**
 * Returns the failure of a call whose wait is over; undefined if the call may start.
 *
 * A call that has a permit, but was cancelled or is too late, passes the permit on to the next call in the queue.
 */
function failureOfWait(
  call: CallState,
  queued: QueuedCall,
  state: BulkheadState<QueuedCall>,
  binding: Binding,
  outcome: WaitOutcome,
  maxWaitMs: number | undefined,
): Failure | undefined {
  // The permit may arrive in the same tick as the cancellation, or while a timer is overdue.
  const limitMs = maxWaitMs === undefined ? Number.POSITIVE_INFINITY : queued.dueMs
  const cancellation = cancellationAfterWait(call, limitMs)
  let error = cancellation?.reason
  if (cancellation !== undefined) noteCancelled(call, binding.policy, statusOf(state))
  else {
    const expired = outcome === 'expired' || enteredMs(call) > limitMs
    if (!expired && outcome === 'admitted') return undefined
    const problem = expired
      ? `waited longer than ${maxWaitMs} ms`
      : outcome === 'itself'
        ? waitsForItself(state)
        : outcome === 'full'
          ? full(state)
          : 'displaced by a call with a higher priority'
    error = refuse(call, state, binding, problem)
  }
  if (outcome === 'admitted') state.release()?.admit()
  return new Failure(error, call.root)
}

/** Creates the refusal of a call, and notes how full the bulkhead is. */
function refuse(
  call: CallState,
  state: BulkheadState<QueuedCall>,
  binding: Binding,
  problem: string,
): BulkheadFullError {
  addNote(call.root, { policy: binding.policy, state: 'full', facts: statusOf(state), endedHere: true })
  return refusal(binding, () => new BulkheadFullError(binding, problem))
}
