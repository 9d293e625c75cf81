// A listener may move a lever. What that changes is told after the change that it is being told now: a log whose last
// line is the first change would show options that are no longer in force.

/** Listeners that move levers in turn would never end. */
const CHANGES_MAX = 1_000

/** The changes of this run, told or not; empty if none is being told. */
let changes: (() => void)[] = []

/**
 * Tells listeners about a change that has been made, after all earlier changes.
 *
 * @throws Error if listeners go on moving levers
 */
export function tellInOrder(tell: () => void): void {
  if (changes.length >= CHANGES_MAX) throw new Error(`listeners moved levers ${CHANGES_MAX} times`)
  if (changes.push(tell) > 1) return
  try {
    for (const next of changes) next()
  } finally {
    changes = []
  }
}
