import { isRefusal, verdictOfError } from '../../errors/classification.ts'
import { type CallOutcome, hasEndWatchers, reportEnd } from '../events/call-events.ts'
import type { CallRoot, CallState } from './call.ts'
import { CallerScope } from './caller-scope.ts'
import { END, type Failure, type Frame, type FrameResult } from './frame.ts'

// The outermost frames of calls that a watcher times. Other calls have `END` or a plain `CallerScope` there, and read no
// clock for this.

/** Starts the time of a watched call that its caller cannot cancel. Returns its last frame. */
export function watchedEnd(call: CallState): Frame {
  const startedMs = startedNow(call)
  return hasEndWatchers() ? new WatchedEnd(call.root, startedMs) : END
}

class WatchedEnd implements Frame {
  // Declared here and assigned in the constructor: see Watcher.
  declare readonly outer: undefined
  declare readonly root: CallRoot
  declare private readonly startedMs: number

  constructor(root: CallRoot, startedMs: number) {
    this.outer = undefined
    this.root = root
    this.startedMs = startedMs
  }

  onValue(value: unknown): FrameResult {
    reportValue(this.root, this.startedMs)
    return value
  }

  onFailure(failure: Failure): FrameResult {
    const result = END.onFailure(failure)
    reportFailure(this.root, this.startedMs, failure.error, false)
    return result
  }
}

/** The scope and last frame of a watched call that its caller can cancel. */
export class WatchedScope extends CallerScope {
  declare private startedMs: number
  declare private watchedRoot: CallRoot | undefined

  constructor() {
    super()
    this.startedMs = Number.NaN
    this.watchedRoot = undefined
  }

  /** Starts the time of the call. */
  start(call: CallState): void {
    this.watchedRoot = call.root
    this.startedMs = startedNow(call)
  }

  override onValue(value: unknown): FrameResult {
    const result = super.onValue(value)
    if (this.watchedRoot !== undefined) reportValue(this.watchedRoot, this.startedMs)
    return result
  }

  override onFailure(failure: Failure): FrameResult {
    const { cancellation } = this
    const result = super.onFailure(failure)
    if (this.watchedRoot === undefined) return result
    const error = cancellation === undefined ? failure.error : cancellation.reason
    reportFailure(this.watchedRoot, this.startedMs, error, cancellation?.by === 'caller')
    return result
  }
}

function reportValue(root: CallRoot, startedMs: number): void {
  reportEnd(root.host.name, root.isDegraded ? 'degraded' : 'success', now(root) - startedMs)
}

function reportFailure(root: CallRoot, startedMs: number, error: unknown, byCaller: boolean): void {
  reportEnd(root.host.name, outcomeOf(error, byCaller), now(root) - startedMs)
}

/** As policies judge it, but a mistake in the program, which they ignore, is a failure to its caller. */
function outcomeOf(error: unknown, byCaller: boolean): CallOutcome {
  if (byCaller) return 'cancelled'
  if (isRefusal(error)) return 'rejected'
  return verdictOfError(error) === 'failure' ? 'failure' : 'ignored'
}

/** Policies that are entered at once share this reading of the clock. */
function startedNow(call: CallState): number {
  const startedMs = call.enteredMs ?? now(call.root)
  if (!Number.isNaN(startedMs)) call.enteredMs = startedMs
  return startedMs
}

/** A custom clock may throw. The call then has no duration, but its outcome must not change. */
function now(root: CallRoot): number {
  try {
    return root.host.clock.now()
  } catch {
    return Number.NaN
  }
}
