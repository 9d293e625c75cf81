import { read } from '../safe-read.ts'
import { truncate } from '../to-json.ts'

/** The placeholders of a message: `'Item {id}'` has `id`. */
export type Placeholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never

const PLACEHOLDER = /\{([A-Za-z_$][\w$]*)\}/g
const VALUE_LENGTH_MAX = 1_024
const MESSAGE_LENGTH_MAX = 4_096

/** A message that is ready to be filled from a context. */
export type Template = (context: unknown) => string

/**
 * Compiles a message, once for all its errors. The result fills in its placeholders from a context.
 *
 * Only own keys are read, so `{constructor}` finds nothing. A value that is missing, unreadable or not a string,
 * number, bigint or boolean becomes a question mark.
 */
export function compile(template: string): Template {
  // Text and names alternate. The text comes first.
  const parts = template.split(PLACEHOLDER)
  if (parts.length === 1) {
    const text = truncate(template, MESSAGE_LENGTH_MAX)
    return () => text
  }
  return (context) => {
    let text = parts[0] as string
    for (let index = 1; index < parts.length; index += 2) {
      text += truncate(textOf(context, parts[index] as string), VALUE_LENGTH_MAX) + parts[index + 1]
    }
    return truncate(text, MESSAGE_LENGTH_MAX)
  }
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
