import { type Problem, QUERY_CHARACTERS_MAX, TERMS_MAX } from './query.ts'

/** Says why a query makes no sense. */
export function problemText({ kind, term }: Problem): string {
  return `${TEXTS[kind]}: ${term.length > 60 ? `${term.slice(0, 59).toWellFormed()}…` : term}`
}

const TEXTS: Readonly<Record<Problem['kind'], string>> = {
  quote: 'a quote is not closed',
  number: 'a number is expected, such as `status>=500`, `status:5xx` or `latency:>250ms`',
  time: 'a time is expected, such as `from:15m`, `from:14:05` or `to:2026-11-28T14:00:00Z`',
  order: '`from` must be before `to`',
  value: 'a value is missing or unknown',
  long: `a query has at most ${QUERY_CHARACTERS_MAX} characters and ${TERMS_MAX} terms`,
}
