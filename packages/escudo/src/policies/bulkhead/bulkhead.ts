import type { Binding } from '../../core/binding.ts'
import { type CallState, enteredMs } from '../../core/engine/call.ts'
import { Failure, type Frame, type FrameResult, passFailure, passValue, unwrap } from '../../core/engine/frame.ts'
import type { Layer } from '../../core/engine/layer.ts'
import { timerQueue } from '../../core/engine/timer-queue.ts'
import { addNote } from '../../core/explain/notes.ts'
import { type Duration, toMs } from '../../core/options/durations.ts'
import { checkedName, knownKeys, oneOf, readMaxKeys, wholeNumber } from '../../core/options/options.ts'
import { LAYER, type Policy, type PolicyStatus } from '../../core/policy.ts'
import { BulkheadFullError } from '../shared/bulkhead-full-error.ts'
import { LayerPolicy } from '../shared/layer-policy.ts'
import { refusal } from '../shared/refusal.ts'
import { QueuedCall, type WaitOutcome } from './queued-call.ts'
import type { BulkheadState } from './state/bulkhead-state.ts'
import { KeyedBulkheads } from './state/keyed-bulkheads.ts'

/** Options of {@link bulkhead}. */
export interface BulkheadOptions {
  /** How many operations may run at the same time. */
  readonly limit: number
  /** How many more may wait for a place. Default 0: who finds no place is refused at once. */
  readonly queue?: number
  /** How long one may wait in the queue. Default: as long as it takes. */
  readonly maxWait?: Duration
  /**
   * Who goes next of those who wait. `'fifo'`, the default: who came first. `'lifo'`: who came last, since under
   * overload the oldest have probably given up; take a `maxWait` with it. `'priority'`: the call with the highest
   * `priority`, equals in the order in which they came; where the queue is full, a call takes the room of the last one
   * of the lowest priority, if its own is higher.
   */
  readonly order?: 'fifo' | 'lifo' | 'priority'
  /**
   * Places and a queue for each `call.key`, and not once for all. At most `maxKeys` (default 10 000) are remembered: the
   * one used least recently is forgotten first, one with places in use only when nothing else can be.
   */
  readonly perKey?: { readonly maxKeys?: number }
  /** Default: `bulkhead`. */
  readonly name?: string
}

/**
 * Keeps one slow dependency from taking everything: at most `limit` operations run at a time, at most `queue` more
 * wait; all others are refused at once with {@link BulkheadFullError}. With `perKey` it keeps one tenant from taking
 * everything: each key has places of its own.
 *
 * A place is held until what stands inside settles. So inside of a timeout, where it is recommended, it is held while
 * the work still runs, also after the timeout has answered the caller; outside of one it is free at the timeout, while
 * a deaf operation may still be at work. A place that becomes free goes to the next who waits, and no newcomer can take
 * it. A caller who gives up leaves the queue at once; nobody waits or starts when the call's deadline has passed. Named
 * after the watertight compartments of Nygard's "Release It!"; semantics after Polly v8's concurrency limiter.
 *
 * @throws ConfigurationError for an option that cannot work
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

const PATH = 'bulkhead'

class BulkheadPolicy extends LayerPolicy implements Policy {
  readonly name: string
  readonly type = PATH
  readonly settings: { readonly maxWaitMs?: number }
  readonly #maxWaitMs: number | undefined
  readonly #compartments: KeyedBulkheads<QueuedCall>

  constructor(options: BulkheadOptions) {
    super()
    knownKeys(options, PATH, ['limit', 'queue', 'maxWait', 'order', 'perKey', 'name'])
    this.name = checkedName(options.name ?? PATH, `${PATH}.name`)
    const settings = {
      limit: wholeNumber(options.limit, `${PATH}.limit`, 1),
      queueLimit: wholeNumber(options.queue ?? 0, `${PATH}.queue`, 0),
      order: oneOf(options.order ?? 'fifo', `${PATH}.order`, ['fifo', 'lifo', 'priority']),
    }
    this.#maxWaitMs = options.maxWait === undefined ? undefined : toMs(options.maxWait, `${PATH}.maxWait`)
    this.settings = this.#maxWaitMs === undefined ? {} : { maxWaitMs: this.#maxWaitMs }
    this.#compartments = new KeyedBulkheads(settings, readMaxKeys(options.perKey, `${PATH}.perKey`))
  }

  status(): PolicyStatus {
    const { keys } = this.#compartments
    const status = statusOf(this.#compartments.at(undefined))
    return keys === undefined ? status : { ...status, keys }
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const compartments = this.#compartments
    const maxWaitMs = this.#maxWaitMs
    const waits = maxWaitMs === undefined ? undefined : timerQueue(binding.clock, maxWaitMs)
    return {
      enter: (call, operation, outer) => {
        const compartment = compartments.of(call.root.key)
        if (compartment.tryAcquire()) {
          let frame: BulkheadFrame | undefined
          try {
            frame = new BulkheadFrame(outer, compartment)
            return next.enter(call, operation, frame)
          } catch (error) {
            // A layer throws nothing but that the stack is full. The place comes back first: there is room for no more.
            if (frame === undefined) compartment.leave()?.enter()
            else frame.leave()
            return passFailure(outer, new Failure(error, call.root))
          }
        }
        // A call that is over already is not refused, and displaces nobody.
        const cut = call.scope?.cancellation
        if (cut !== undefined) return passFailure(outer, new Failure(cut.reason, call.root))
        const problem = whyNotWait(call, compartment)
        if (problem !== undefined) {
          return passFailure(outer, new Failure(refuse(call, compartment, binding, problem), call.root))
        }
        const waiter = new QueuedCall(compartment, call.root.priority)
        compartment.enqueue(waiter)?.displace()
        return waiter.wait(call.scope, waits).then((outcome) => {
          // Time has passed since the call was entered.
          call.enteredMs = undefined
          const ended = endOfWait(call, compartment, binding, outcome, maxWaitMs)
          if (ended !== undefined) return unwrap(passFailure(outer, ended))
          return unwrap(next.enter(call, operation, new BulkheadFrame(outer, compartment)))
        })
      },
    }
  }
}

function statusOf({ inUse, limit, queued, queueLimit }: BulkheadState<QueuedCall>): PolicyStatus {
  return { inUse, limit, queued, queueLimit }
}

/** Why a call that finds no place may not wait for one either; undefined for one that may. */
function whyNotWait(call: CallState, compartment: BulkheadState<QueuedCall>): string | undefined {
  const { limit, queueLimit } = compartment
  if (!compartment.hasRoom(call.root.priority)) return `${limit} at work, ${queueLimit} waiting`
  return isLate(call) ? `${limit} at work, and the call's deadline has passed` : undefined
}

/**
 * What a wait came to where it did not come to a place, or to one that is of no use any more: that one goes on to the
 * next. Undefined for a call that may start.
 */
function endOfWait(
  call: CallState,
  compartment: BulkheadState<QueuedCall>,
  binding: Binding,
  outcome: WaitOutcome,
  maxWaitMs: number | undefined,
): Failure | undefined {
  if (outcome === 'expired') {
    return new Failure(refuse(call, compartment, binding, `waited longer than ${maxWaitMs} ms`), call.root)
  }
  if (outcome === 'displaced') {
    return new Failure(refuse(call, compartment, binding, 'made room for a call of higher priority'), call.root)
  }
  // The place may have come in the same tick as the cut, or before a timer that is late could cut.
  const cut = call.scope?.cancellation
  const failure =
    cut !== undefined
      ? new Failure(cut.reason, call.root)
      : isLate(call)
        ? new Failure(refuse(call, compartment, binding, "waited until after the call's deadline"), call.root)
        : undefined
  if (failure !== undefined && outcome === 'entered') compartment.leave()?.enter()
  return failure
}

/** Whether nobody waits for the call any more. The timer that tells so may be late, where the event loop was blocked. */
function isLate(call: CallState): boolean {
  return call.deadline !== undefined && enteredMs(call) >= call.deadline
}

/** The error of a call that was not let in, and the note of how full it was. */
function refuse(
  call: CallState,
  compartment: BulkheadState<QueuedCall>,
  binding: Binding,
  problem: string,
): BulkheadFullError {
  addNote(call.root, { policy: binding.policy, state: 'full', facts: statusOf(compartment) })
  return refusal(binding, () => new BulkheadFullError(binding, problem))
}

/** A call that has a place. */
class BulkheadFrame implements Frame {
  declare readonly outer: Frame
  /** Undefined once the place has been given back. */
  declare private compartment: BulkheadState<QueuedCall> | undefined

  constructor(outer: Frame, compartment: BulkheadState<QueuedCall>) {
    this.outer = outer
    this.compartment = compartment
  }

  onValue(value: unknown): FrameResult {
    this.leave()
    return passValue(this.outer, value)
  }

  onFailure(failure: Failure): FrameResult {
    // Nobody waits for the work any longer, and it goes on: its place is taken until it ends.
    if (failure.stillRunning === undefined) this.leave()
    else this.leaveAfter(failure.stillRunning)
    return passFailure(this.outer, failure)
  }

  leave(): void {
    const { compartment } = this
    this.compartment = undefined
    compartment?.leave()?.enter()
  }

  // A closure over the compartment alone: the work may never end, and would keep the whole call.
  private leaveAfter(held: PromiseLike<unknown>): void {
    const { compartment } = this
    this.compartment = undefined
    const leave = (): void => compartment?.leave()?.enter()
    held.then(leave, leave)
  }
}
