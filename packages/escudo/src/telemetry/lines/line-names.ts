import { remembering } from '../../errors/remembering.ts'
import { writeText } from './field-writer.ts'

const writeKnown = remembering({ entriesMax: 2_000, lengthMax: 256 }, writeText)

/** Writes a text that many lines repeat, such as the pattern of a route or the code of an error. */
export function writeName(name: string | null): string {
  return name === null ? writeText(name) : writeKnown(name)
}
