import { HEALTH_CHECKS, isHealthCheck } from '../counts/watch/health-check.ts'
import { countLine, requestCell } from '../journal/count-line.ts'
import { Journal } from '../journal/journal.ts'
import type { FoundLine } from '../report/line-facts.ts'
import { hashOf } from '../traces/trace-filter.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { RowNames } from './engine-counts.ts'
import type { EngineFields } from './engine-fields.ts'
import { type EngineLines, timeOf } from './engine-line.ts'
import { oneOf, quoted, timeFilter } from './logsql.ts'
import { FROM_PATH, routePipes } from './route-pipes.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The requests that are read as lines, to find out which service calls which. */
const SAMPLE_MAX = 2_000
const SAMPLE_MS = 10_000
const PROBES_MAX = 500
/** The most services whose last lines, and whose hops, are remembered. */
const SERVICES_MAX = 2_000
/** The newest changes and starts that are read as lines. */
const EVENTS_MAX = 2_000
const EVENTS_BACK_MS = 7 * DAY_MS
/** Lines that arrive so late are still read. */
const LATE_MS = 30_000
const SEEN_MAX = 20_000
const EVENTS = ['circuit_breaker.state_change', 'service.start']
const PROCESS_FIELDS = [
  'pid',
  'instance',
  '"instance.host"',
  '"instance.pid"',
  '"instance.started_at"',
  'hostname',
] as const

/**
 * What is read as lines, in bounded numbers: changes of breakers, starts and processes, and a sample of the newest requests.
 *
 * From the sample it learns which service calls which. A service most of whose requests with a parent are hops in the sample
 * has only hops among them, so that the engine can count them.
 */
export class EngineFacts {
  /** The breakers and the processes. */
  readonly events: Journal
  /** The newest requests. */
  sample: Journal
  /** Whether the sample has all requests of the last minute. */
  isWhole = false
  /** Routes and paths that are health checks. */
  readonly probes = new Set<string>()
  /** When each service logged its newest line. */
  readonly lastLines = new Map<string, number>()
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #lines: EngineLines
  readonly #hops = new Map<string, boolean>()
  readonly #seen = new Set<string>()
  #eventsTo = 0
  #sampledMs = Number.NEGATIVE_INFINITY
  #probesMs = Number.NEGATIVE_INFINITY
  #linesFrom = Number.NEGATIVE_INFINITY

  constructor(client: EngineClient, fields: EngineFields, lines: EngineLines, clock: () => number) {
    this.#client = client
    this.#fields = fields
    this.#lines = lines
    this.events = new Journal(clock)
    this.sample = new Journal(clock)
  }

  /** The services whose requests with a parent are hops. */
  get hopServices(): ReadonlySet<string> {
    return new Set([...this.#hops].filter(([, isHop]) => isHop).map(([service]) => service))
  }

  /** Reads what is new up to a moment. `newest` is the time of the newest line. In haste it looks for processes the next time. */
  async readTo(moment: number, newest: number, isHasty: boolean = false): Promise<void> {
    await Promise.all([
      this.#readSample(moment, newest),
      this.#readProbes(newest),
      this.#readEvents(moment),
      isHasty ? undefined : this.#readProcesses(moment),
    ])
  }

  /** Adds routes or paths that are health checks. */
  addProbes(probes: Iterable<string>): void {
    for (const probe of probes) if (this.probes.size < PROBES_MAX) this.probes.add(probe)
  }

  async #readProbes(newest: number): Promise<void> {
    if (performance.now() - this.#probesMs < SAMPLE_MS) return
    this.#probesMs = performance.now()
    const { request, route } = this.#fields
    const rows = await this.#client.rows(
      `${timeFilter(newest - HOUR_MS, newest + DAY_MS)} ${request} | ${routePipes(this.#fields)} | ` +
        `filter ${route}:~${quoted(HEALTH_CHECKS.replace('^', `^${FROM_PATH}?`))} | stats by (${route}) count() as n | limit ${PROBES_MAX}`,
    )
    const names = new RowNames(this.#fields)
    this.addProbes(rows.flatMap((row) => names.route(row) ?? []).filter(isHealthCheck))
  }

  async #readSample(moment: number, newest: number): Promise<void> {
    if (performance.now() - this.#sampledMs < SAMPLE_MS) return
    this.#sampledMs = performance.now()
    const { request, trace } = this.#fields
    const time = timeFilter(newest - HOUR_MS, moment + DAY_MS)
    const rows = await this.#client.rows(`${time} ${request} ${trace}:*`, { limit: SAMPLE_MAX })
    const journal = new Journal(() => moment)
    const parented = new Map<string, number>()
    const found = rows.flatMap((row) => {
      const line = this.#lines.read(row)
      return line === undefined ? [] : [{ line, at: timeOf(line, row) }]
    })
    // The line of a called service comes before the line of its caller.
    for (const { line, at } of found.sort((a, b) => a.at - b.at)) {
      if (line.line.parentSpanId !== undefined) parented.set(line.service, (parented.get(line.service) ?? 0) + 1)
      take(journal, line, at, moment)
    }
    const hops = new Map<string, number>()
    for (const [cell, { count }] of journal.named.total.hops ?? []) {
      const { service } = journal.cells.key(cell)
      hops.set(service, (hops.get(service) ?? 0) + count)
    }
    if (this.#hops.size > SERVICES_MAX) this.#hops.clear()
    for (const [service, count] of parented) this.#hops.set(service, (hops.get(service) ?? 0) * 2 >= count)
    this.sample = journal
    this.isWhole = rows.length < SAMPLE_MAX || (found[0]?.at ?? moment) <= moment - 120_000
  }

  async #readEvents(moment: number): Promise<void> {
    // The clock may have been set back since.
    const from = this.#eventsTo === 0 ? moment - EVENTS_BACK_MS : Math.min(this.#eventsTo, moment) - LATE_MS
    const time = timeFilter(from, moment + DAY_MS)
    const { event, service } = this.#fields
    const rows = await this.#client.rows(`${time} ${oneOf(event, EVENTS)}`, { limit: EVENTS_MAX })
    // When a breaker tries again is in what it refused last.
    const refused = await this.#client.rows(`${time} ${event}:="circuit_breaker.rejected"`, { limit: 50 })
    const shields = await this.#client.rows(
      `${timeFilter(Math.max(from, moment - HOUR_MS), moment + DAY_MS)} shield:* | stats by (${service}, shield) max(_time) as _time | limit 2000`,
    )
    this.#takeNew([...rows, ...refused, ...shields.map((row) => ({ ...row, _msg: 'shield' }))], moment)
    this.#eventsTo = moment
  }

  /** Reads which processes logged, and when. */
  async #readProcesses(moment: number): Promise<void> {
    const from =
      this.#linesFrom === Number.NEGATIVE_INFINITY ? moment - DAY_MS : Math.min(this.#linesFrom, moment) - LATE_MS
    const { service } = this.#fields
    const rows = await this.#client.rows(
      `${timeFilter(from, moment + 5_001)} * | stats by (${service}, ${PROCESS_FIELDS.join(', ')}) min(_time) as first, max(_time) as last | sort by (last desc) limit 5000`,
    )
    for (const { first = '', last = '', ...row } of rows) {
      for (const _time of new Set([first, last])) this.#take({ ...row, _time, _msg: 'process' }, moment)
    }
    this.#linesFrom = moment
  }

  #takeNew(rows: readonly Row[], moment: number): void {
    for (const row of rows) {
      const key = JSON.stringify(row)
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      this.#take(row, moment)
    }
    for (const oldest of this.#seen) {
      if (this.#seen.size <= SEEN_MAX) break
      this.#seen.delete(oldest)
    }
  }

  #take(row: Row, moment: number): void {
    const found = this.#lines.read({ log_level: 'info', ...row })
    if (found === undefined) return
    const at = timeOf(found, row)
    if (this.lastLines.size < SERVICES_MAX || this.lastLines.has(found.service))
      this.lastLines.set(found.service, Math.max(at, this.lastLines.get(found.service) ?? at))
    take(this.events, found, at, moment)
  }
}

/** Counts a line in a journal, without its lists. */
function take(journal: Journal, { line, service }: FoundLine, at: number, now: number): void {
  const cell = requestCell(journal, line, service)
  countLine(journal, line, service, at, now, cell)
  const traceHash = line.traceId === undefined ? undefined : hashOf(line.traceId)
  journal.services.add(line, service, at, at, now, false, traceHash, cell)
}
