import { instantOfQuery } from './query-time.ts'

/**
 * How a term compares. `:` is equality, and understands `5xx`; `=` is equality with a quoted value; `^` is a beginning.
 * For text anywhere and for messages, `:` and `=` find a part.
 */
export type Operator = ':' | '=' | '^' | '>' | '>=' | '<' | '<='

/** A part of a query: text anywhere in a line, or a comparison of one field. */
export interface Term {
  /** A canonical name, or the name of any other field in lower case; undefined for text anywhere. */
  readonly name: string | undefined
  readonly operator: Operator
  /** Folded: see {@link fold}. */
  readonly value: string
  /** The value as a number: a latency in milliseconds, a time since 1970. NaN if it is none. */
  readonly number: number
  readonly isNegated: boolean
}

/** Why a query makes no sense. */
export interface Problem {
  readonly kind: 'quote' | 'number' | 'time' | 'order' | 'value' | 'long'
  /** The part of the query that makes no sense. */
  readonly term: string
}

/** A query. With a problem, `terms` are what can be read of it: a filter applies while it is typed. */
export interface Query {
  readonly terms: readonly Term[]
  readonly problem: Problem | undefined
}

/** The longest query. */
export const QUERY_CHARACTERS_MAX = 1_000
/** The most terms of a query. */
export const TERMS_MAX = 32

const TERM = /(-?)(?:([A-Za-z_@][\w.@/-]*)(:(?:>=|<=|>|<)?|>=|<=|>|<))?(?:"((?:[^"\\]|\\[\s\S])*)("|$)|(\S*))/g
/** The canonical names of fields, by the names that loggers and people use for them. */
const NAMES: Readonly<Record<string, string>> = {
  log_level: 'level',
  status_code: 'status',
  latency_ms: 'latency',
  trace_id: 'trace',
  message: 'text',
  msg: 'text',
  error_code: 'code',
}
const UNITS_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
/** The canonical names of levels, the least severe first. */
export const LEVELS: readonly string[] = ['debug', 'info', 'warning', 'error', 'critical']
const LEVEL_NAMES: Readonly<Record<string, string>> = { warn: 'warning', err: 'error', fatal: 'critical' }

/**
 * Returns a text for comparisons that ignore case.
 *
 * Two letters outside ASCII have a lower case within it, and are left out: what is searched in bytes must be in them.
 */
export function fold(text: string): string {
  return text.replace(/[\u0130\u212A]/g, '\uFFFD').toLowerCase()
}

/** Reads a query: words, `"quoted text"`, `-negation`, `name:value`, `status>=500`, `from:`, `to:`. All must match. */
export function queryOf(text: string, now: number): Query {
  const isLong = text.length > QUERY_CHARACTERS_MAX
  const found = [...text.slice(0, QUERY_CHARACTERS_MAX).matchAll(TERM)].filter(([whole]) => whole !== '')
  const read = found.slice(0, TERMS_MAX).map((match) => termOf(match, now))
  const terms = read.map(({ term }) => term)
  const problem = read.find((one) => one.problem !== undefined)
  const last = found.at(-1)?.[0] ?? ''
  if (isLong || found.length > TERMS_MAX) return { terms, problem: { kind: 'long', term: last.slice(0, 40) } }
  if (problem?.problem !== undefined) return { terms, problem: { kind: problem.problem, term: problem.whole } }
  const { from, to } = boundsOf(terms)
  return { terms, problem: from < to ? undefined : { kind: 'order', term: last } }
}

/** Returns the times between which lines can match: `from` is within, `to` is not. */
export function boundsOf(terms: readonly Term[]): { readonly from: number; readonly to: number } {
  const of = (name: string): readonly number[] => terms.filter((term) => term.name === name).map(({ number }) => number)
  return {
    from: Math.max(Number.NEGATIVE_INFINITY, ...of('from')),
    to: Math.min(Number.POSITIVE_INFINITY, ...of('to')),
  }
}

/** Returns a query with a field added. If the field is in it already, its value is replaced. */
export function withField(text: string, name: string, value: string): string {
  const isPlain = /^[^\s"\\<>][^\s"\\]*$/.test(value) && !value.endsWith('*')
  const term = `${name}:${isPlain ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`
  const others = [...text.matchAll(TERM)]
    .filter(([whole, sign, other, operator]) => whole !== '' && (sign !== '' || other !== name || operator !== ':'))
    .map(([whole]) => whole)
  return [...others, term].join(' ')
}

/** Returns the position of a level from `debug` to `critical`; -1 for another one. */
export function levelRank(level: string): number {
  return LEVELS.indexOf(level)
}

interface ReadTerm {
  readonly term: Term
  readonly whole: string
  readonly problem: Problem['kind'] | undefined
}

function termOf([whole, sign, written, sent, quoted, end, plain = '']: RegExpExecArray, now: number): ReadTerm {
  const lower = written?.toLowerCase()
  const name = lower !== undefined && Object.hasOwn(NAMES, lower) ? NAMES[lower] : lower
  const isLone = plain === '' && quoted === undefined && name === undefined
  const text = isLone ? (whole ?? '') : fold(quoted?.replace(/\\([\s\S])/g, '$1') ?? plain)
  const value = name === 'level' && Object.hasOwn(LEVEL_NAMES, text) ? (LEVEL_NAMES[text] ?? text) : text
  const compared = sent === undefined || sent === ':' ? undefined : (sent.replace(':', '') as Operator)
  const isPrefix = compared === undefined && name !== undefined && plain.length > 1 && plain.endsWith('*')
  const operator = compared ?? (quoted !== undefined ? '=' : isPrefix ? '^' : ':')
  const isNegated = sign === '-' && !isLone
  const number = numberOf(name, value, now)
  const term: Term = { name, operator, value: isPrefix ? value.slice(0, -1) : value, number, isNegated }
  const isOpen = (quoted !== undefined && end === '') || plain.startsWith('"')
  return { term, whole: whole ?? '', problem: isOpen ? 'quote' : problemOf(term) }
}

function problemOf({ name, operator, value, number, isNegated }: Term): Problem['kind'] | undefined {
  if (value === '') return 'value'
  if (name === 'from' || name === 'to') {
    const isTime = !Number.isNaN(number) && !isNegated && (operator === ':' || operator === '=')
    return isTime ? undefined : 'time'
  }
  if (operator === '^' || operator === '=') return undefined
  if (name === 'latency') return Number.isNaN(number) ? 'number' : undefined
  if (name === 'status' && operator === ':') return /^\d(?:\d\d|xx)$/.test(value) ? undefined : 'number'
  if (operator === ':') return undefined
  if (name === 'level') return levelRank(value) === -1 ? 'value' : undefined
  return Number.isNaN(number) ? 'number' : undefined
}

function numberOf(name: string | undefined, value: string, now: number): number {
  if (name === 'from' || name === 'to') return instantOfQuery(value, now)
  const [, digits, unit = 'ms'] = /^([-+]?\d+(?:\.\d+)?)(us|µs|μs|ms|s|m|h)?$/.exec(value) ?? []
  if (digits === undefined) return Number.NaN
  if (name === 'latency') return Number(digits) * (UNITS_MS[unit] ?? 0.001)
  return digits === value ? Number(value) : Number.NaN
}
