import { isRefusal, verdictOfError } from '../../errors/classification.ts'
import { addCallWatcher, type CallOutcome, type CallWatcher, hasEndWatchers, reportEnd } from '../events/call-events.ts'
import type { CallRoot } from './call.ts'
import { type EndFrames, nowOf, setEndFrames } from './call-times.ts'
import { CallerScope } from './caller-scope.ts'
import { END, type Failure, type Frame, type FrameResult } from './frame.ts'

// The outermost frames of calls that a watcher times. Other calls have `END` or a plain `CallerScope` there, and read no
// clock for this.

/**
 * Watches every call in this process. Without a watcher, calls are not timed.
 *
 * @returns a function that stops watching
 */
export function watchCalls(watcher: CallWatcher): () => void {
  const remove = addCallWatcher(watcher)
  const update = (): void => setEndFrames(hasEndWatchers() ? FRAMES : undefined)
  update()
  return () => {
    remove()
    update()
  }
}

/** The last frame of a watched call that its caller cannot cancel. */
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
class WatchedScope extends CallerScope {
  declare private startedMs: number
  declare private watchedRoot: CallRoot | undefined

  constructor() {
    super()
    this.startedMs = Number.NaN
    this.watchedRoot = undefined
  }

  override onStart(root: CallRoot, startedMs: number): void {
    this.watchedRoot = root
    this.startedMs = startedMs
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

const FRAMES: EndFrames = {
  end: (root, startedMs) => new WatchedEnd(root, startedMs),
  scope: () => new WatchedScope(),
}

function reportValue(root: CallRoot, startedMs: number): void {
  reportEnd(root.host.name, root.isDegraded ? 'degraded' : 'success', nowOf(root) - startedMs)
}

function reportFailure(root: CallRoot, startedMs: number, error: unknown, byCaller: boolean): void {
  reportEnd(root.host.name, outcomeOf(error, byCaller), nowOf(root) - startedMs)
}

/** As policies judge it, but a mistake in the program, which they ignore, is a failure to its caller. */
function outcomeOf(error: unknown, byCaller: boolean): CallOutcome {
  if (byCaller) return 'cancelled'
  if (isRefusal(error)) return 'rejected'
  return verdictOfError(error) === 'failure' ? 'failure' : 'ignored'
}
