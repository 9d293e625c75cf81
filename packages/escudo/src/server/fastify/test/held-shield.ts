import { shield } from '../../../core/shield.ts'

const held: object[] = []

/**
 * Builds a shield as `shield` does, and holds it until the end of the tests. The list of shields is weak: one that a test
 * does not hold may disappear while it is asked for.
 */
export const heldShield: typeof shield = ((...parts: Parameters<typeof shield>) => {
  const made = shield(...parts)
  held.push(made)
  return made
}) as typeof shield
