import { type Call, type CallState, inNewPart } from './call.ts'
import { END, type Frame, finish, type Passage, passError, passValue, promised, Trail } from './frame.ts'
import type { Binding, Operation, Run } from './policy.ts'
import { type Cut, Watcher } from './scope.ts'

/** A policy bound into one shield, with what stands inside of it. */
export interface Layer {
  /** Lets a call in, or does not; its outcome goes to `outer`. Never throws. */
  enter(call: CallState, operation: Operation<unknown>, outer: Frame): Passage
}

/** Makes the layer of a policy around what stands inside. */
export type MakeLayer = (next: Layer, binding: Binding) => Layer

/** The innermost layer of a shield: calls the operation. */
export const operationLayer: Layer = {
  enter(call, operation, frame) {
    const cut = call.scope?.cut
    if (cut !== undefined) return passError(frame, cut.reason, new Trail(call.root))
    let result: unknown
    try {
      result = operation(call)
    } catch (error) {
      return passError(frame, error, new Trail(call.root))
    }
    return settle(result, call, frame)
  },
}

/**
 * The layer of a policy of somebody's own, which knows nothing of frames: it waits for the policy's promise. The policy
 * cuts the shield into two parts. What stands inside of it hears of a cut from further out, and settles when the work
 * is done, so that the policy can hold a place for as long as that takes; nobody outside waits for it then.
 */
export function foreignLayer(wrap: (next: Run) => Run, next: Layer): Layer {
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
      return settle(work, call, frame)
    },
  }
}

/** A layer as the function that a policy of somebody's own gets as its `next`. */
export function runOf(layer: Layer): Run {
  return ((call: Call, operation: Operation<unknown>) => promised(layer.enter(inNewPart(call), operation, END))) as Run
}

/** A policy of ours, wrapped by hand: a part of its own. */
export function wrapped(makeLayer: MakeLayer, next: Run, binding: Binding): Run {
  return runOf(makeLayer(runLayer(next), binding))
}

/**
 * Waits for what an operation returned, or for the call to be cut, whichever comes first: a deaf operation holds
 * nobody. The frame hears of it in the asynchronous context in which the call was made, whoever cut it.
 */
export function settle(result: unknown, call: CallState, frame: Frame): Passage {
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
  if (scope === undefined || scope === call.outside) {
    return work === undefined ? passValue(frame, result) : reactTo(work, call, frame)
  }
  const { cut } = scope
  if (cut !== undefined) return passError(frame, cut.reason, new Trail(call.root, unreported(work)))
  return work === undefined ? passValue(frame, result) : new Wait(work, call, frame).race(scope)
}

// The original, since a promise may have a `then` of its own, and `await` does not ask for it either.
const { then } = Promise.prototype

/** Waits for a promise that nothing can cut short. */
function reactTo(work: Promise<unknown>, call: CallState, frame: Frame): Promise<unknown> {
  return then.call(
    work,
    (value) => finish(passValue(frame, value)),
    (error) => finish(passError(frame, error, new Trail(call.root))),
  )
}

/** What nobody waits for any longer may fail without being reported as unhandled. */
function unreported(work: Promise<unknown> | undefined): Promise<unknown> | undefined {
  if (work !== undefined) then.call(work, undefined, () => {})
  return work
}

// A function for all promises, and a place for what it is given: one made for each call would be half of its garbage.
const nothing: Settle = () => {}
const captured: { resolve: Settle; reject: Settle } = { resolve: nothing, reject: nothing }
const capture = (resolve: Settle, reject: Settle): void => {
  captured.resolve = resolve
  captured.reject = reject
}
type Settle = (outcome: unknown) => void

/** One wait for work that can be cut. */
class Wait extends Watcher {
  declare private readonly work: Promise<unknown>
  declare private readonly call: CallState
  declare private readonly frame: Frame
  declare private reject: ((reason: unknown) => void) | undefined
  declare private isCut: boolean

  constructor(work: Promise<unknown>, call: CallState, frame: Frame) {
    super()
    this.work = work
    this.call = call
    this.frame = frame
    this.reject = undefined
    this.isCut = false
  }

  race(scope: Parameters<Watcher['watch']>[0]): Promise<unknown> {
    // A promise in between, which either side can settle. The work settles it by the runtime's own functions, and not by
    // ours, because the trace of an error follows those from the operation to the caller.
    const race = new Promise(capture)
    const { resolve, reject } = captured
    captured.resolve = nothing
    captured.reject = nothing
    this.reject = reject
    then.call(this.work, resolve, reject)
    this.watch(scope)
    return race.then(
      (value) => {
        this.unwatch()
        return finish(passValue(this.frame, value))
      },
      (error) => {
        this.unwatch()
        const held = this.isCut ? this.work : undefined
        return finish(passError(this.frame, error, new Trail(this.call.root, held)))
      },
    )
  }

  override onCut(cut: Cut): void {
    this.isCut = true
    this.reject?.(cut.reason)
  }
}
