import { delayMs } from '../body/retry-after.ts'
import { read } from '../safe-read.ts'

// The headers that RFC 9110 ties to an error: what the client needs to act on it.
const NAMES: readonly string[] = [
  'accept',
  'accept-encoding',
  'allow',
  'content-range',
  'proxy-authenticate',
  'upgrade',
  'www-authenticate',
]
/** The headers of most errors. */
export const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})
const LENGTH_MAX = 2_048
// RFC 9110, 5.5. A line break would add a header.
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]+$/

/**
 * The headers that an error may add to its response, with names in lower case.
 *
 * All other names are dropped: an error must not set cookies, or headers that describe the body.
 */
export function errorHeaders(headers: unknown): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_HEADERS
  const kept: Record<string, string> = {}
  for (const [name, value] of entriesOf(headers)) {
    const text = textOf(value)
    if (NAMES.includes(name) && text.length <= LENGTH_MAX && VALUE.test(text)) kept[name] = text
  }
  return kept
}

/** The `Retry-After` of an error's headers, in milliseconds: seconds or a date. Undefined without a valid one. */
export function retryAfterMsOf(headers: unknown): number | undefined {
  const found = entriesOf(headers).find(([name]) => name === 'retry-after')
  return found === undefined ? undefined : delayMs(textOf(found[1]).trim(), Date.now())
}

function entriesOf(headers: unknown): readonly (readonly [string, unknown])[] {
  if (typeof headers !== 'object' || headers === null) return []
  try {
    if (headers instanceof Headers) return [...headers]
    return Object.keys(headers)
      .slice(0, 100)
      .map((name) => [name.toLowerCase(), read(headers, name)])
  } catch {
    // A proxy threw.
    return []
  }
}

function textOf(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(', ')
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
