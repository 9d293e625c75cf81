import { fold, LEVELS, levelRank, type Term } from '../search/query.ts'
import type { EngineFields } from './engine-fields.ts'
import { validLatency } from './engine-latency.ts'
import { escapedPattern, instant, quoted } from './logsql.ts'

/** The names that loggers give each level. */
const LEVEL_TEXTS: Readonly<Record<string, string>> = {
  debug: 'debug|trace|verbose',
  info: 'info|information|notice',
  warning: 'warning|warn',
  error: 'error|err',
  critical: 'critical|fatal|panic|alert|emergency',
}

/**
 * Returns the filter of LogsQL for the terms of a search.
 *
 * It leaves the lines that can match; {@link matches} decides about each of them.
 */
export function filterOf(terms: readonly Term[], fields: EngineFields): string {
  const filters = terms.flatMap((term) => {
    const filter = ofTerm(term, fields)
    if (filter === undefined) return []
    return term.isNegated ? [`!(${filter})`] : [filter]
  })
  return filters.length === 0 ? '*' : filters.join(' ')
}

function ofTerm(term: Term, fields: EngineFields): string | undefined {
  const { name, operator, value, number } = term
  if (name === undefined) {
    // A line of this level may write another word for it.
    const levels = LEVELS.filter((level) => level.includes(value)).map((level) => LEVEL_TEXTS[level])
    const pattern = [escapedPattern(value), ...levels.map((level) => `^(?:${level})$`)].join('|')
    return `*:~${quoted(`(?i)${pattern}`)}`
  }
  if (name === 'from') return `_time:>=${instant(number)}`
  if (name === 'to') return `_time:<${instant(number)}`
  if (name === 'level') return levelFilter(term, fields)
  if (name === 'text') {
    const names = [fields.event, fields.message, fields.code, fields.path, 'message', 'error_message']
    return anyOf(names.map((field) => `${field}:~${quoted(`(?i)${escapedPattern(value)}`)}`))
  }
  if (name === 'route') return undefined
  const names = namesOf(name, fields)
  if (operator === '^') return anyOf(names.map((field) => `${field}:~${quoted(`(?i)^${escapedPattern(value)}`)}`))
  if (name === 'latency') return latencyFilter(term, fields)
  if (operator !== ':' && operator !== '=') return anyOf(names.map((field) => `${field}:${operator}${number}`))
  if (name === 'status' && value.endsWith('xx')) {
    const first = Number(value[0]) * 100
    return `${fields.status}:range[${first}, ${first + 99}]`
  }
  return anyOf(names.map((field) => exactly(field, value)))
}

/** The engine reads some texts as other numbers than this page: those lines are left for it to decide. */
function latencyFilter({ operator, number, isNegated }: Term, fields: EngineFields): string {
  const { latency } = fields
  const value = number / fields.latencyFactor
  const isCompared = operator !== ':' && operator !== '='
  const compared = isCompared ? `${latency}:${operator}${value}` : `${latency}:range[${value}, ${value}]`
  const valid = validLatency(fields)
  return isNegated ? `${compared} ${valid}` : `(${compared} or (${latency}:* !${valid}))`
}

/** Ids are found by their exact bytes first: an index knows them. */
function exactly(field: string, value: string): string {
  const folded = `${field}:~${quoted(`(?i)^${escapedPattern(value)}$`)}`
  return fold(value.toUpperCase()) === value && value.toUpperCase() === value ? `${field}:=${quoted(value)}` : folded
}

function levelFilter({ operator, value }: Term, fields: EngineFields): string | undefined {
  const rank = levelRank(value)
  if (rank === -1) return `${fields.level}:~${quoted(`(?i)^${escapedPattern(value)}`)}`
  const wanted = LEVELS.filter((_, at) => {
    if (operator === '>') return at > rank
    if (operator === '>=') return at >= rank
    if (operator === '<') return at < rank
    return operator === '<=' ? at <= rank : at === rank
  })
  // Numbers are levels too, and of several scales.
  const texts = wanted.map((level) => LEVEL_TEXTS[level]).join('|')
  return `${fields.level}:~${quoted(`(?i)^(?:${texts}|[0-9]+)$`)}`
}

function namesOf(name: string, fields: EngineFields): readonly string[] {
  const canonical = new Map([
    ['service', fields.service],
    ['status', fields.status],
    ['latency', fields.latency],
    ['trace', fields.trace],
    ['path', fields.path],
    ['method', fields.method],
    ['code', fields.code],
  ])
  if (name === 'event') return [fields.event, 'event']
  if (name === 'time' || name === 'timestamp') return ['_time']
  return [canonical.get(name) ?? quoted(name)]
}

function anyOf(filters: readonly string[]): string {
  return filters.length === 1 ? (filters[0] ?? '') : `(${filters.join(' or ')})`
}
