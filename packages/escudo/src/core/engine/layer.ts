import type { Binding, Operation, Run } from '../policy.ts'
import { type Call, type CallState, callFromCustomPolicy, inNewPart } from './call.ts'
import { type Cancellation, type CancelScope, Watcher } from './cancel-scope.ts'
import {
  END,
  type Frame,
  type FrameResult,
  passError,
  passValue,
  rejectInMicrotask,
  Trail,
  toPromise,
  unwrap,
} from './frame.ts'

/** A policy bound into one shield, with what stands inside of it. */
export interface Layer {
  /** Lets a call in, or does not; its outcome goes to `outer`. Never throws. */
  enter(call: CallState, operation: Operation<unknown>, outer: Frame): FrameResult
}

/** Makes the layer of a policy around what stands inside. */
export type MakeLayer = (next: Layer, binding: Binding) => Layer

/** The innermost layer of a shield: calls the operation. */
export const operationLayer: Layer = {
  enter(call, operation, frame) {
    const cut = call.scope?.cancellation
    if (cut !== undefined) return passError(frame, cut.reason, new Trail(call.root))
    let result: unknown
    try {
      result = operation(call)
    } catch (error) {
      // Who gave the call up while the operation was being called gets his own reason, as he does a moment later.
      const gone = call.scope?.cancellation
      return passError(frame, gone === undefined ? error : gone.reason, new Trail(call.root))
    }
    return settle(result, call, frame)
  },
}

/**
 * The layer of a policy of somebody's own, which knows nothing of frames: it waits for the policy's promise. The policy
 * cuts the shield into two parts. What stands inside of it hears of a cut from further out, and settles when the work
 * is done, so that the policy can hold a place for as long as that takes; nobody outside waits for it then.
 */
export function customPolicyLayer(wrap: (next: Run) => Run, next: Layer): Layer {
  return runLayer(wrap(runOf(next)))
}

function runLayer(run: Run): Layer {
  return {
    enter(call, operation, frame) {
      let work: Promise<unknown>
      try {
        work = Promise.resolve(run(call, operation))
      } catch (error) {
        return passError(frame, error, new Trail(call.root))
      }
      const { scope } = call
      if (scope === undefined || scope === call.outside) return reactTo(work, call, frame)
      const { cancellation } = scope
      if (cancellation !== undefined)
        return passError(frame, cancellation.reason, new Trail(call.root, allOf(scope, unreported(work))))
      return new PolicyWait(work, scope, call, frame).race()
    },
  }
}

/** A layer as the function that a policy of somebody's own gets as its `next`. */
export function runOf(layer: Layer): Run {
  return ((given: Call, operation: Operation<unknown>) => {
    let call: CallState
    try {
      call = inNewPart(callFromCustomPolicy(given))
    } catch (error) {
      return rejectInMicrotask(error)
    }
    return toPromise(layer.enter(call, operation, END))
  }) as Run
}

/** A policy of ours, wrapped by hand: a part of its own. */
export function wrapLayer(makeLayer: MakeLayer, next: Run, binding: Binding): Run {
  return runOf(makeLayer(runLayer(next), binding))
}

/**
 * Waits for what an operation returned, or for the call to be cut, whichever comes first: a deaf operation holds
 * nobody. The frame hears of it in the asynchronous context in which the call was made, whoever cut it.
 */
export function settle(result: unknown, call: CallState, frame: Frame): FrameResult {
  const { scope } = call
  let work: Promise<unknown> | undefined
  if (typeof result === 'object' ? result !== null : typeof result === 'function') {
    try {
      // A thenable of whatever kind; what its `then` throws is a rejection.
      work = Promise.resolve(result)
    } catch (error) {
      // A promise whose constructor throws.
      return passError(frame, error, new Trail(call.root))
    }
  }
  if (scope === undefined) return work === undefined ? passValue(frame, result) : reactTo(work, call, frame)
  if (scope === call.outside) {
    return work === undefined ? passValue(frame, result) : new PartWait(work, scope).follow(call, frame)
  }
  const { cancellation } = scope
  if (cancellation !== undefined) {
    if (work !== undefined) scope.addStillRunning(unreported(work))
    return passError(frame, cancellation.reason, new Trail(call.root, work))
  }
  return work === undefined ? passValue(frame, result) : new Wait(work, scope, call, frame).race()
}

// The original, since a promise may have a `then` of its own, and `await` does not ask for it either.
const { then } = Promise.prototype

/** Waits for a promise that nothing can cut short here. */
function reactTo(work: Promise<unknown>, call: CallState, frame: Frame): Promise<unknown> {
  return then.call(
    work,
    (value) => unwrap(passValue(frame, value)),
    // The cut was made further in, and what it cut may be at work still.
    (error) => unwrap(passError(frame, error, new Trail(call.root, call.scope && allOf(call.scope, undefined)))),
  )
}

/** What nobody waits for any longer may fail without being reported as unhandled. */
function unreported(work: Promise<unknown>): Promise<unknown> {
  then.call(work, undefined, () => {})
  return work
}

/**
 * What is at work still although its scope was cut: a policy of somebody's own that settles when its call is cut leaves
 * behind the operation that it called, which does not listen. Undefined where there is nothing.
 */
function allOf(scope: CancelScope, work: Promise<unknown> | undefined): PromiseLike<unknown> | undefined {
  const { stillRunning } = scope
  if (stillRunning === undefined) return work
  return Promise.allSettled(work === undefined ? stillRunning : [work, ...stillRunning])
}

// A function for all promises, and a place for what it is given: one made for each call would be half of its garbage.
const nothing: Settle = () => {}
const captured: { resolve: Settle; reject: Settle } = { resolve: nothing, reject: nothing }
const capture = (resolve: Settle, reject: Settle): void => {
  captured.resolve = resolve
  captured.reject = reject
}
type Settle = (outcome: unknown) => void

/**
 * An operation in a part of a shield that was cut further out. It is waited for until it is done; whoever settles before
 * that, outside of the part, hears of it as of something that is at work still.
 */
class PartWait extends Watcher {
  declare private readonly work: Promise<unknown>
  declare private readonly within: CancelScope

  constructor(work: Promise<unknown>, within: CancelScope) {
    super()
    this.work = work
    this.within = within
  }

  follow(call: CallState, frame: Frame): Promise<unknown> {
    this.watch(this.within)
    return then.call(
      this.work,
      (value) => {
        this.unwatch()
        return unwrap(passValue(frame, value))
      },
      (error) => {
        this.unwatch()
        return unwrap(passError(frame, error, new Trail(call.root)))
      },
    )
  }

  override onCancel(): void {
    this.within.addStillRunning(this.work)
  }
}

/** One wait for an operation that can be cut. */
class Wait extends Watcher {
  declare protected readonly work: Promise<unknown>
  declare protected readonly within: CancelScope
  declare private readonly call: CallState
  declare private readonly frame: Frame
  declare private reject: ((reason: unknown) => void) | undefined
  declare private isCut: boolean

  constructor(work: Promise<unknown>, within: CancelScope, call: CallState, frame: Frame) {
    super()
    this.work = work
    this.within = within
    this.call = call
    this.frame = frame
    this.reject = undefined
    this.isCut = false
  }

  race(): Promise<unknown> {
    // A promise in between, which either side can settle. The work settles it by the runtime's own functions, and not by
    // ours, because the trace of an error follows those from the operation to the caller.
    const race = new Promise(capture)
    const { resolve, reject } = captured
    captured.resolve = nothing
    captured.reject = nothing
    this.reject = reject
    then.call(this.work, resolve, reject)
    this.watch(this.within, this.hearsLast)
    return race.then(
      (value) => {
        this.unwatch()
        return unwrap(passValue(this.frame, value))
      },
      (error) => {
        this.unwatch()
        const held = this.isCut ? this.held() : undefined
        return unwrap(passError(this.frame, error, new Trail(this.call.root, held)))
      },
    )
  }

  override onCancel(cut: Cancellation): void {
    this.isCut = true
    this.keep()
    this.reject?.(cut.reason)
  }

  /** At once, and not when the frame hears of the cut, which is a moment later. */
  protected keep(): void {
    this.within.addStillRunning(this.work)
  }

  protected get hearsLast(): boolean {
    return false
  }

  /** What is at work still. */
  protected held(): PromiseLike<unknown> | undefined {
    return this.work
  }
}

/**
 * The same for a policy of somebody's own: it is no work itself, but what runs inside of it may be. Policies further in
 * hear of the cut before it does, so that what they have to say of it is said when the error leaves.
 */
class PolicyWait extends Wait {
  protected override get hearsLast(): boolean {
    return true
  }

  protected override keep(): void {}

  protected override held(): PromiseLike<unknown> | undefined {
    return allOf(this.within, this.work)
  }
}
