import type { TailLine } from '../../../src/journal/journal.ts'

/** A part of the filter: text anywhere in a line, or a comparison of one field. */
export interface Term {
  /** Undefined for text anywhere. */
  readonly name: string | undefined
  readonly operator: ':' | '>' | '>=' | '<' | '<='
  /** In lower case. */
  readonly value: string
}

const TERM = /(?:([\w.@/-]+)(:|>=|<=|>|<))?(?:"((?:[^"\\]|\\.)*)"|(\S+))/g
/** The fields of a line in the tail, by the names that loggers and people use for them. */
const ALIASES: Readonly<Record<string, keyof TailLine>> = {
  service: 'service',
  level: 'level',
  log_level: 'level',
  status: 'status',
  status_code: 'status',
  latency: 'latencyMs',
  latency_ms: 'latencyMs',
  trace: 'traceId',
  trace_id: 'traceId',
  text: 'text',
  message: 'text',
}

/** Reads a filter: words, `"quoted text"`, `name:value`, `status>=500`. All must match. */
export function termsOf(text: string): readonly Term[] {
  return [...text.matchAll(TERM)].map(([, name, operator, quoted, plain]) => ({
    name: name?.toLowerCase(),
    operator: (operator as Term['operator'] | undefined) ?? ':',
    value: (quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '').toLowerCase(),
  }))
}

/** Whether a line of the tail passes a filter. */
export function passes(line: TailLine, terms: readonly Term[]): boolean {
  return terms.every((term) => (term.name === undefined ? hasText(line, term.value) : hasField(line, term)))
}

/** Returns a filter with a field added. If the field is in it already, its value is replaced. */
export function withField(text: string, name: string, value: string): string {
  const isPlain = /^[^\s"\\]+$/.test(value)
  const term = `${name}:${isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`
  const others = [...text.matchAll(TERM)]
    .filter(([, other, operator]) => other !== name || operator !== ':')
    .map(([whole]) => whole)
  return [...others, term].join(' ')
}

function hasText(line: TailLine, text: string): boolean {
  const { service, level, status, text: message, traceId, fields } = line
  return (
    [service, level, status, message, traceId].join(' ').toLowerCase().includes(text) ||
    Object.values(fields ?? {}).some((value) => value.toLowerCase().includes(text))
  )
}

function hasField(line: TailLine, { name = '', operator, value }: Term): boolean {
  const alias = Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined
  const field = alias === undefined ? fieldOf(line, name) : line[alias]
  if (field === undefined) return false
  if (operator !== ':') return compared(Number(field), operator, Number(value))
  const text = String(field).toLowerCase()
  // A message is found by a part of it, and a long value was shortened.
  if (alias === 'text') return text.includes(value.slice(0, 200))
  return text === value || (text.endsWith('…') && value.startsWith(text.slice(0, -1)))
}

function fieldOf({ fields = {} }: TailLine, name: string): string | undefined {
  const key = Object.keys(fields).find((one) => one.toLowerCase() === name)
  return key === undefined ? undefined : fields[key]
}

function compared(field: number, operator: Term['operator'], value: number): boolean {
  if (operator === '>') return field > value
  if (operator === '>=') return field >= value
  return operator === '<' ? field < value : field <= value
}
