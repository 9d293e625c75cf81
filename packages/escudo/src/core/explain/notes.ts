import type { CallRoot } from '../engine/call.ts'
import type { Note } from '../note.ts'

// The notes on a call. An error keeps the list of notes with which it left its shield, while other parts of the same
// call may still be running. The list is therefore replaced and never mutated.

/** Adds a note to a call. It replaces an earlier note of the same policy: the last one decided. */
export function addNote(root: CallRoot, note: Note): void {
  const { notes } = root
  if (notes === undefined) {
    root.notes = [note]
    return
  }
  const kept = notes.filter(({ policy }) => policy !== note.policy)
  kept.push(note)
  root.notes = kept
}

/** Removes the notes of the policies inside `policy`: they describe an earlier attempt. */
export function forgetNotesInside(root: CallRoot, policy: string): void {
  if (root.notes === undefined) return
  const { policies } = root.host
  const position = policies.findIndex(({ name }) => name === policy)
  root.notes = root.notes.filter((note) => policies.findIndex(({ name }) => name === note.policy) <= position)
}

/** Copies what is known about a call to another call that waited for it. */
export function copyNotes(from: CallRoot, to: CallRoot): void {
  for (const note of from.notes ?? []) addNote(to, note)
  if (from.called) to.markCalled()
}

/** Records that the error of a call comes from an attempt that reached the operation, although another was refused. */
export function forgetEnds(root: CallRoot): void {
  root.notes = root.notes?.map(({ endedHere: _, ...note }) => note)
}

/** Records that a call was cancelled before it entered its first policy. No policy has an empty name. */
export function noteNotStarted(root: CallRoot): void {
  addNote(root, { policy: '', state: 'cancelled', endedHere: true })
}
