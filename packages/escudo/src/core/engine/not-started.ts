import { hasCallWatchers, reportEnd } from '../events/call-events.ts'
import { noteNotStarted } from '../explain/notes.ts'
import type { CallRoot } from './call-root.ts'
import { END, Failure, type FrameResult, passFailure } from './frame.ts'

/** Fails a call that enters no policy. */
export function notStarted(error: unknown, root: CallRoot): FrameResult {
  noteNotStarted(root)
  const result = passFailure(END, new Failure(error, root))
  // Its caller was too late: that says nothing about the dependency.
  if (hasCallWatchers()) reportEnd(root.host.name, 'cancelled', 0)
  return result
}
