import type { TailEntry, TailLine } from '../journal/journal.ts'
import { isJson, type Json } from '../lines/log-fields.ts'

const FIELDS_MAX = 24
const VALUE_MAX = 80

/** Returns a line of the tail as the page gets it: with short fields, so that a filter can name any of them. */
export function tailJson({ logged, ...line }: TailEntry): TailLine {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>
  addFields(fields, logged, '', 0)
  return { ...line, fields }
}

function addFields(fields: Record<string, string>, json: Json, prefix: string, count: number): number {
  let added = count
  for (const [name, value] of Object.entries(json)) {
    if (added >= FIELDS_MAX) break
    if (isJson(value)) {
      if (prefix === '') added = addFields(fields, value, `${name}.`, added)
    } else if (value !== null && typeof value !== 'object' && value !== '') {
      const text = String(value)
      fields[prefix + name] = text.length > VALUE_MAX ? `${text.slice(0, VALUE_MAX - 1).toWellFormed()}…` : text
      added += 1
    }
  }
  return added
}
