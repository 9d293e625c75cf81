import { writeText } from './field-writer.ts'

const NAMES_MAX = 2_000
const NAME_LENGTH_MAX = 256

// Bounded, because a program may compute names.
const written = new Map<string, string>()

/** Writes a text that many lines repeat, such as the pattern of a route or the code of an error. */
export function writeName(name: string | null): string {
  if (name === null || name.length > NAME_LENGTH_MAX) return writeText(name)
  const known = written.get(name)
  if (known !== undefined) return known
  const json = writeText(name)
  if (written.size >= NAMES_MAX) written.clear()
  written.set(name, json)
  return json
}
