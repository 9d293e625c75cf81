import type { Json } from '../log-fields.ts'
import { pathOf } from './request-text.ts'

/** What the directives of a file in W3C's extended format said so far. */
export interface W3cHeader {
  readonly columns: readonly string[] | undefined
  readonly date: string | undefined
  readonly isIis: boolean
}

const DIRECTIVE = /^#(Software|Version|Date|Fields|Start-Date|End-Date|Remark):[ \t]*(.*)$/i
/** What IIS writes unless it is told otherwise, for lines without directives before them. */
const IIS: W3cHeader = {
  columns: [
    'date',
    'time',
    's-ip',
    'cs-method',
    'cs-uri-stem',
    'cs-uri-query',
    's-port',
    'cs-username',
    'c-ip',
    'cs(User-Agent)',
    'cs(Referer)',
    'sc-status',
    'sc-substatus',
    'sc-win32-status',
    'time-taken',
  ],
  date: undefined,
  isIis: true,
}
const NONE: W3cHeader = { columns: undefined, date: undefined, isIis: false }
const COLUMNS_MAX = 100

/** Reads a directive, which says what the columns of later lines are; undefined if the line is none. */
export function readDirective(line: string, before: W3cHeader = NONE): W3cHeader | undefined {
  const [, name, value = ''] = DIRECTIVE.exec(line) ?? []
  switch (name?.toLowerCase()) {
    case undefined:
      return undefined
    case 'software':
      return { ...before, isIis: value.includes('Microsoft') }
    case 'date':
      return { ...before, date: /^\d{4}-\d\d-\d\d/.exec(value)?.[0] }
    case 'fields':
      return { ...before, columns: value.trim().split(/\s+/, COLUMNS_MAX) }
    default:
      return before
  }
}

/** Reads a line of an access log in W3C's extended format: IIS, and other servers that name their columns. */
export function readW3c(line: string, { columns, date, isIis }: W3cHeader = IIS): Json | undefined {
  if (columns === undefined) return undefined
  const values = line.split(line.includes('\t') ? '\t' : ' ', columns.length + 1)
  if (values.length !== columns.length) return undefined
  const value = (column: string): string | undefined => {
    const found = values[columns.indexOf(column)]
    return found === '-' ? undefined : found
  }
  const [day, time, status] = [value('date') ?? date, value('time'), value('sc-status')]
  if (day === undefined || time === undefined || !/^\d\d:\d\d:\d\d(?:\.\d+)?$/.test(time)) return undefined
  if (status !== undefined && !/^\d{1,3}$/.test(status)) return undefined
  return {
    // The format has only UTC.
    time: `${day}T${time}Z`,
    remote_addr: value('c-ip'),
    service: value('s-sitename'),
    method: value('cs-method'),
    path: pathOf(value('cs-uri-stem')),
    status,
    ...durationOf(value('time-taken'), isIis),
  }
}

/** The standard has seconds. IIS writes milliseconds, as integers. Of an integer by another server, the unit is not certain. */
function durationOf(taken: string | undefined, isIis: boolean): Json {
  if (taken === undefined) return {}
  if (taken.includes('.')) return { latency_s: taken }
  return isIis ? { latency_ms: taken } : { time_taken: taken }
}
