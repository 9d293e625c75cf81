import type { Ambient } from '../core/ambient.ts'
import type { CallState } from '../core/call.ts'
import { type Duration, toMs } from '../core/durations.ts'
import { stackless } from '../core/errors.ts'
import { type Frame, finish, type Passage, passError, passValue, Trail } from '../core/frame.ts'
import { type Layer, wrapped } from '../core/layer.ts'
import { checkedName, knownKeys, wholeNumber } from '../core/options.ts'
import { type Binding, LAYER, type Policy, type PolicyStatus, type Run, unbound } from '../core/policy.ts'
import { type Cut, type Scope, Watcher } from '../core/scope.ts'
import { leaveNote } from '../core/story.ts'
import { type TimerEntry, type TimerQueue, timerQueue } from '../core/timer-queue.ts'
import { Compartment, type Waiter } from '../mechanisms/compartment.ts'
import { BulkheadFullError } from './bulkhead-full-error.ts'

/** Options of {@link bulkhead}. */
export interface BulkheadOptions {
  /** How many operations may run at the same time. */
  readonly limit: number
  /** How many more may wait for a place. Default 0: who finds no place is refused at once. */
  readonly queue?: number
  /** How long one may wait in the queue. Default: as long as it takes. */
  readonly maxWait?: Duration
  /** Default: `bulkhead`. */
  readonly name?: string
}

/**
 * Keeps one slow dependency from taking everything: at most `limit` operations run at a time, at most `queue` more
 * wait, in the order in which they came; all others are refused at once with {@link BulkheadFullError}.
 *
 * A place is held until what stands inside settles. So inside of a timeout, where it is recommended, it is held while
 * the work still runs, also after the timeout has answered the caller; outside of one it is free at the timeout, while
 * a deaf operation may still be at work. A caller who gives up leaves the queue at once. Named after the watertight
 * compartments of Nygard's "Release It!"; semantics after Polly v8's concurrency limiter.
 *
 * @throws ConfigurationError for an option that cannot work
 * @example
 * ```ts
 * import { bulkhead, isRefusal, shield } from 'escudo'
 *
 * const reports = shield('reports', bulkhead({ limit: 5, queue: 5, maxWait: '1s' }))
 * const report = await reports.run(async () => 'the report').catch((error) => {
 *   if (isRefusal(error)) return 'busy, come back later'
 *   throw error
 * })
 * ```
 */
export function bulkhead(options: BulkheadOptions): Policy {
  return new BulkheadPolicy(options)
}

class BulkheadPolicy implements Policy {
  readonly name: string
  readonly type = 'bulkhead'
  readonly settings: { readonly maxWaitMs?: number }
  readonly #maxWaitMs: number | undefined
  readonly #compartment: Compartment<PlaceWaiter>

  constructor(options: BulkheadOptions) {
    knownKeys(options, 'bulkhead', ['limit', 'queue', 'maxWait', 'name'])
    this.name = checkedName(options.name ?? 'bulkhead', 'bulkhead.name')
    const limit = wholeNumber(options.limit, 'bulkhead.limit', 1)
    const queueLimit = wholeNumber(options.queue ?? 0, 'bulkhead.queue', 0)
    this.#maxWaitMs = options.maxWait === undefined ? undefined : toMs(options.maxWait, 'bulkhead.maxWait')
    this.settings = this.#maxWaitMs === undefined ? {} : { maxWaitMs: this.#maxWaitMs }
    this.#compartment = new Compartment(limit, queueLimit)
  }

  status(): PolicyStatus {
    const { inUse, limit, queued, queueLimit } = this.#compartment
    return { inUse, limit, queued, queueLimit }
  }

  wrap(next: Run, binding: Binding = unbound(this)): Run {
    return wrapped((inside, bound) => this[LAYER](inside, bound), next, binding)
  }

  [LAYER](next: Layer, binding: Binding): Layer {
    const compartment = this.#compartment
    const waits = this.#maxWaitMs === undefined ? undefined : timerQueue(binding.clock, this.#maxWaitMs)
    return {
      enter: (call, operation, outer) => {
        if (compartment.tryEnter()) {
          let frame: BulkheadFrame | undefined
          try {
            frame = new BulkheadFrame(outer, compartment)
            return next.enter(call, operation, frame)
          } catch (error) {
            // A layer throws nothing but that the stack is full. The place comes back first: there is room for no more.
            if (frame === undefined) compartment.leave()?.enter()
            else frame.leave()
            return passError(outer, error, new Trail(call.root))
          }
        }
        const waiter = new PlaceWaiter(compartment)
        if (!compartment.tryQueue(waiter)) {
          const { limit, queueLimit } = compartment
          return this.#refuse(call, outer, binding, `${limit} at work, ${queueLimit} waiting`)
        }
        return waiter.wait(call.scope, waits).then((outcome) => {
          const cut = call.scope?.cut
          if (outcome === 'expired') {
            return finish(this.#refuse(call, outer, binding, `waited longer than ${this.#maxWaitMs} ms`))
          }
          if (cut !== undefined) {
            // The place may have come in the same tick as the cut: then it goes on to the next.
            if (outcome === 'entered') compartment.leave()?.enter()
            return finish(passError(outer, cut.reason, new Trail(call.root)))
          }
          // Time has passed since the call was entered.
          call.enteredMs = undefined
          return finish(next.enter(call, operation, new BulkheadFrame(outer, compartment)))
        })
      },
    }
  }

  #refuse(call: CallState, outer: Frame, binding: Binding, problem: string): Passage {
    leaveNote(call.root, { policy: binding.policy, state: 'full', facts: this.status() })
    return passError(outer, refusal(binding, problem), new Trail(call.root))
  }
}

/** A call that has a place. */
class BulkheadFrame implements Frame {
  declare readonly outer: Frame
  /** Undefined once the place has been given back. */
  declare private compartment: Compartment<PlaceWaiter> | undefined

  constructor(outer: Frame, compartment: Compartment<PlaceWaiter>) {
    this.outer = outer
    this.compartment = compartment
  }

  onValue(value: unknown): Passage {
    this.leave()
    return passValue(this.outer, value)
  }

  onError(error: unknown, trail: Trail): Passage {
    // Nobody waits for the work any longer, and it goes on: its place is taken until it ends.
    if (trail.held === undefined) this.leave()
    else this.leaveAfter(trail.held)
    return passError(this.outer, error, trail)
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

function refusal(binding: Binding, problem: string): BulkheadFullError {
  const { shield, policy, events } = binding
  if (events.hears('rejected')) {
    events.emit('rejected', { shield, policy, code: 'BULKHEAD_FULL', retryAfterMs: undefined })
  }
  const make = (): BulkheadFullError => new BulkheadFullError(binding, problem)
  return binding.stacks ? make() : stackless(make)
}

/**
 * One call that waits: for a place, for the end of its patience, or for its caller to give up, whichever comes first.
 * It stands in up to three lists at once, and leaves all of them with the first.
 */
class PlaceWaiter extends Watcher implements Waiter, TimerEntry {
  ahead: Waiter | undefined
  behind: Waiter | undefined
  waiting = false
  earlier: TimerEntry | undefined
  later: TimerEntry | undefined
  queued = false
  dueMs = 0
  context: Ambient | undefined
  readonly #compartment: Compartment<PlaceWaiter>
  #timers: TimerQueue | undefined
  #resolve: ((outcome: WaitOutcome) => void) | undefined

  constructor(compartment: Compartment<PlaceWaiter>) {
    super()
    this.#compartment = compartment
  }

  /** Begins to wait; it stands in the compartment's queue already. */
  wait(scope: Scope | undefined, timers: TimerQueue | undefined): Promise<WaitOutcome> {
    this.#timers = timers
    return new Promise((resolve) => {
      this.#resolve = resolve
      timers?.add(this)
      if (scope !== undefined) this.watch(scope)
    })
  }

  /** The compartment handed over a place. */
  enter(): void {
    this.#end('entered')
  }

  expire(): void {
    this.#end('expired')
  }

  override onCut(_cut: Cut): void {
    this.#end('cut')
  }

  #end(outcome: WaitOutcome): void {
    this.#compartment.leaveQueue(this)
    this.#timers?.remove(this)
    this.unwatch()
    this.#resolve?.(outcome)
  }
}

type WaitOutcome = 'entered' | 'expired' | 'cut'
