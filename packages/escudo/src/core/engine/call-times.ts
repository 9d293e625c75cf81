import type { CallRoot, CallState } from './call.ts'
import { CallerScope } from './caller-scope.ts'
import { END, type Frame } from './frame.ts'
import { endInstant, instantMs } from './instant.ts'

// The times of whole calls, while calls are watched. What reports the end of a call comes with telemetry: the bundle of a
// program without it contains only this port.

/** Makes the outermost frames of calls whose ends are watched. */
export interface EndFrames {
  end(root: CallRoot, startedMs: number): Frame
  scope(): CallerScope
}

let endFrames: EndFrames | undefined

/** Sets what makes the outermost frames; undefined if nothing is told when a call ends. */
export function setEndFrames(frames: EndFrames | undefined): void {
  endFrames = frames
}

/** Starts the time of a watched call that its caller cannot cancel. Returns its last frame. */
export function lastFrame(call: CallState): Frame {
  const startedMs = startedNow(call)
  return endFrames === undefined ? END : endFrames.end(call.root, startedMs)
}

/** Makes the scope of a call that its caller can cancel. If it is watched, its time starts with {@link startTime}. */
export function callerScope(): CallerScope {
  return endFrames === undefined ? new CallerScope() : endFrames.scope()
}

/** Starts the time of a watched call that its caller can cancel. */
export function startTime(call: CallState, scope: CallerScope): void {
  scope.onStart(call.root, startedNow(call))
}

/** Policies that are entered at once share this reading of the clock. */
function startedNow(call: CallState): number {
  // The call may be made by a listener: what ends around it must not be before its start.
  endInstant()
  const startedMs = call.enteredMs ?? nowOf(call.root)
  if (!Number.isNaN(startedMs)) call.enteredMs = startedMs
  return startedMs
}

/** The present instant. A custom clock may throw. The call then has no duration, but its outcome must not change. */
export function nowOf(root: CallRoot): number {
  try {
    return instantMs(root.host.clock)
  } catch {
    return Number.NaN
  }
}
