import type { ErrorGroup } from '../counts/errors/error-groups.ts'
import { templateOf } from '../counts/errors/message-template.ts'
import { Journal } from '../journal/journal.ts'
import { addError } from '../journal/journal-entries.ts'
import { type Kind, kindOfStatus } from '../lines/kind.ts'
import { type ErrorGroupJson, type ErrorGroupsJson, exampleJson } from '../report/errors.ts'
import type { Selection } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { RowNames } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { type EngineLines, timeOf } from './engine-line.ts'
import type { LinePlaces } from './line-places.ts'
import { oneOf, quoted, timeFilter } from './logsql.ts'
import { routeFilter, routePipes } from './route-pipes.ts'

/** The most groups of one answer. If there are more, numbers in their messages are replaced by the engine. */
const ROWS_MAX = 2_000
/** The newest errors that are read as lines. */
const LINES_MAX = 400
const SEVERE = ['error', 'critical', 'fatal', 'ERROR', 'CRITICAL', 'FATAL', 'panic', 'emergency', 'alert']
const MESSAGES = ['detail', 'error_message', 'message'] as const

/** Errors of a range: a journal with the newest ones, and all of them by group. */
export interface RangeErrors {
  readonly journal: Journal
  readonly groups: ErrorGroupsJson
}

/** Asks for the errors of a range. */
export async function errorsBetween(
  client: EngineClient,
  fields: EngineFields,
  lines: EngineLines,
  places: LinePlaces,
  range: Range,
  selection: Selection,
  now: number,
  groupsMax: number,
): Promise<RangeErrors> {
  const journal = await newestErrors(client, fields, lines, places, range, selection, now)
  return { journal, groups: await groupsBetween(client, fields, journal, range, selection, groupsMax) }
}

/** Reads the newest errors of a range as lines. */
export async function newestErrors(
  client: EngineClient,
  fields: EngineFields,
  lines: EngineLines,
  places: LinePlaces,
  range: Range,
  selection: Selection,
  now: number,
): Promise<Journal> {
  const { request, status, event } = fields
  const isError = `((${request} ${status}:range[400, 599]) or ${event}:="http_error" or ${hidden(fields)} or ${severe(fields)})`
  const query = `${timeFilter(range.from, range.to)} ${isError}${selectionFilter(fields, selection)}`
  const journal = new Journal(() => now)
  for (const row of await client.rows(query, { limit: LINES_MAX })) {
    const found = lines.read(row)
    if (found !== undefined)
      addError(journal, found.line, found.service, timeOf(found, row), now, { ref: places.add(row) })
  }
  return journal
}

async function groupsBetween(
  client: EngineClient,
  fields: EngineFields,
  journal: Journal,
  range: Range,
  selection: Selection,
  groupsMax: number,
): Promise<ErrorGroupsJson> {
  const { request, status, service, code, kind, event } = fields
  const before = 2 * range.from - range.to
  const counts =
    `count() if (${timeFilter(range.from, range.to)}) as n, count() if (${timeFilter(before, range.from)}) as b, ` +
    'min(_time) as first, max(_time) as last'
  const start = `${timeFilter(before, range.to)} `
  const end = `${selectionFilter(fields, selection)} | `
  const sort = ` | sort by (n desc) limit ${ROWS_MAX}`
  const requests = await client.rows(
    `${start}${request} ${status}:range[400, 599]${end}stats by (${[service, status, code, kind].join(', ')}) ${counts}${sort}`,
  )
  const messageKeys = [service, status, code, kind, event, 'error_type', ...MESSAGES].join(', ')
  const others = (collapse: string): string =>
    `${start}(${event}:="http_error" or ${hidden(fields)} or ${severe(fields)})${end}${collapse}stats by (${messageKeys}) ${counts}${sort}`
  let messages = await client.rows(others(''))
  if (messages.length >= ROWS_MAX)
    messages = await client.rows(others(MESSAGES.map((name) => `collapse_nums at ${name} | `).join('')))
  return groupsOf(requests, messages, fields, journal, range, groupsMax)
}

/** Errors that a fallback hid. */
function hidden({ event }: EngineFields): string {
  return `(${event}:="fallback" (error_type:* or error_code:* or error_message:*))`
}

function severe({ status, level, request }: EngineFields): string {
  return `(${status}:"" ${oneOf(level, SEVERE)} !${request})`
}

function selectionFilter(fields: EngineFields, selection: Selection): string {
  const service = selection.service === undefined ? '' : ` ${fields.service}:=${quoted(selection.service)}`
  if (selection.route === undefined) return service
  return `${service} | ${routePipes(fields)} | filter ${routeFilter(fields, selection.route)}`
}

interface Group {
  readonly service: string
  readonly code: string
  readonly message: string
  readonly kind: Kind
  readonly fallback: boolean
  count: number
  before: number
  first: number
  last: number
}

function groupsOf(
  requests: readonly Row[],
  messages: readonly Row[],
  fields: EngineFields,
  journal: Journal,
  { from }: Range,
  groupsMax: number,
): ErrorGroupsJson {
  const names = new RowNames(fields)
  const groups = new Map<string, Group>()
  /** What the lines with messages said, by service, kind and code: a request is counted once. */
  const told = new Map<string, { count: number; before: number }>()
  const add = (row: Row, code: string, message: string, isHidden: boolean, count: number, before: number): void => {
    const service = names.service(row)
    const kind = kindOfStatus(row['error_kind'], names.status(row))
    const key = keyOf({ service, kind, isHidden, code, template: message })
    const [first, last] = [Date.parse(row['first'] ?? ''), Date.parse(row['last'] ?? '')]
    const known = groups.get(key)
    if (known === undefined)
      groups.set(key, { service, code, message, kind, fallback: isHidden, count, before, first, last })
    else {
      known.count += count
      known.before += before
      known.first = Math.min(known.first, first)
      known.last = Math.max(known.last, last)
    }
  }
  const event = fields.event
  for (const row of messages) {
    const isHidden = row[event] === 'fallback'
    const status = names.status(row)
    const code = names.code(row) ?? (isHidden ? row['error_type'] : status === undefined ? row[event] : undefined)
    const text = MESSAGES.map((name) => row[name]).find((message) => message !== undefined && message !== '')
    const [count, before] = [Number(row['n']), Number(row['b'])]
    const shown = code ?? (status === undefined ? '' : `HTTP ${status}`)
    add(row, shown, text === undefined ? '' : templateOf(text.replaceAll('<N>', '0')), isHidden, count, before)
    if (row[event] !== 'http_error') continue
    const key = [names.service(row), shown].join('\u0000')
    const sum = told.get(key) ?? { count: 0, before: 0 }
    told.set(key, { count: sum.count + count, before: sum.before + before })
  }
  for (const row of requests) {
    const code = names.code(row) ?? `HTTP ${names.status(row)}`
    const key = [names.service(row), code].join('\u0000')
    const [count, before] = [Number(row['n']), Number(row['b'])]
    const said = told.get(key) ?? { count: 0, before: 0 }
    told.set(key, { count: Math.max(0, said.count - count), before: Math.max(0, said.before - before) })
    const [rest, restBefore] = [Math.max(0, count - said.count), Math.max(0, before - said.before)]
    if (rest + restBefore > 0) add(row, code, '', false, rest, restBefore)
  }
  const examples = new Map(journal.errorGroups.all.map((group) => [keyOf(group), group]))
  const found = [...groups.entries()].filter(([, { count }]) => count > 0)
  found.sort(
    ([, a], [, b]) =>
      Number(a.kind === 'business') - Number(b.kind === 'business') || b.count - a.count || b.last - a.last,
  )
  return {
    groups: found.slice(0, groupsMax).map(([key, group]) => groupJson(group, examples.get(key), from)),
    more: Math.max(0, found.length - groupsMax),
  }
}

function groupJson({ before, ...group }: Group, examples: ErrorGroup | undefined, from: number): ErrorGroupJson {
  return {
    ...group,
    age: before > 0 ? 'continuing' : group.first >= from ? 'new' : 'returning',
    traces: (examples?.examples.items ?? []).map(exampleJson).reverse(),
  }
}

function keyOf({
  service,
  kind,
  isHidden,
  code,
  template,
}: Omit<ErrorGroup, 'firstAt' | 'lastAt' | 'examples'>): string {
  return [service, kind, isHidden, code, template].join('\u0000')
}
