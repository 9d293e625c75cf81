import { remembering } from '../../errors/remembering.ts'
import { writeText } from './field-writer.ts'

/** A longer text is not kept. */
export const NAME_LENGTH_MAX = 256

const writeKnown = remembering({ entriesMax: 2_000, lengthMax: NAME_LENGTH_MAX }, writeText)

/** Writes a text that many lines repeat, such as the pattern of a route or the code of an error. */
export function writeName(name: string | null): string {
  return name === null ? writeText(name) : writeKnown(name)
}
