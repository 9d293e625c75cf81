import { MisuseError } from '../misuse-error.ts'

// A listener may move a lever. What that changes is told after the change that it is being told now: a log whose last
// line is the first change would show options that are no longer in force.

/** The changes that are not told yet, and those that this run has told. */
const changes: (() => void)[] = []
let isTelling = false
/** Listeners that move levers in turn would never end. */
const CHANGES_MAX = 1_000

/**
 * Tells listeners about a change that has been made, after all earlier changes.
 *
 * @throws MisuseError if listeners go on moving levers
 */
export function tellInOrder(tell: () => void): void {
  if (changes.length >= CHANGES_MAX) {
    throw new MisuseError(`listeners have moved levers ${CHANGES_MAX} times, each time because of the one before`)
  }
  changes.push(tell)
  if (isTelling) return
  isTelling = true
  try {
    for (const next of changes) next()
  } finally {
    changes.length = 0
    isTelling = false
  }
}
