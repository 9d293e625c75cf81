import { read } from '../safe-read.ts'
import { truncate } from '../to-json.ts'

/** The placeholders of a message: `'Item {id}'` has `id`. */
export type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

const PLACEHOLDER = /\{([A-Za-z_$][\w$]*)\}/g
const VALUE_LENGTH_MAX = 1_024
const MESSAGE_LENGTH_MAX = 4_096

/**
 * Fills a message's placeholders from a context.
 *
 * Only own keys are read, so `{constructor}` finds nothing. A value that is missing, unreadable or not a string,
 * number, bigint or boolean becomes a question mark.
 */
export function render(template: string, context: unknown): string {
  const text = template.replace(PLACEHOLDER, (_, name: string) => truncate(textOf(context, name), VALUE_LENGTH_MAX))
  return truncate(text, MESSAGE_LENGTH_MAX)
}

function textOf(context: unknown, name: string): string {
  if (!hasOwn(context, name)) return '?'
  const value = read(context, name)
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return '?'
  }
}

function hasOwn(value: unknown, key: string): boolean {
  try {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
  } catch {
    return false
  }
}
