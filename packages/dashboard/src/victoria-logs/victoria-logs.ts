import { Journal } from '../journal/journal.ts'
import type { LineRef } from '../journal/line-place.ts'
import type { TailLine } from '../journal/tail-line.ts'
import type { Declared } from '../lines/formats/line-of.ts'
import { UNDECLARED } from '../lines/reader/line-reader.ts'
import type { CallsAt } from '../report/calls.ts'
import { type Health, healthJson, type Waiting } from '../report/health.ts'
import { factsOf, fieldsOf } from '../report/line-facts.ts'
import type { OneLine } from '../report/read-line.ts'
import type { Trace } from '../report/read-trace.ts'
import { includes, type Selection } from '../report/selection.ts'
import { breakerJson, figures, type Range, routesOf, type Summary } from '../report/summary.ts'
import { tailJson } from '../report/tail-json.ts'
import type { Column, Parts } from '../report/view.ts'
import type { SearchEnd, SearchOptions } from '../search/history.ts'
import type { PageStream } from '../server/stream.ts'
import type { Source, View } from '../source/source.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { EngineCalls } from './engine-calls.ts'
import { type EngineAddress, EngineClient } from './engine-client.ts'
import { countRange } from './engine-counts.ts'
import { EngineFacts } from './engine-facts.ts'
import { type EngineFields, engineFields } from './engine-fields.ts'
import { EngineHealth } from './engine-health.ts'
import { EngineLines, timeOf } from './engine-line.ts'
import { searchEngine } from './engine-search.ts'
import { engineFile, engineLines, engineWaiting, type LineTotals, NO_LINES } from './engine-source-json.ts'
import { EngineState } from './engine-state.ts'
import { EngineStream } from './engine-stream.ts'
import { EngineViews } from './engine-views.ts'
import { LinePlaces } from './line-places.ts'
import { quoted, timeFilter } from './logsql.ts'
import { OnceAtATime } from './once-at-a-time.ts'
import { ServiceMinutes } from './service-minutes.ts'

const SECOND_MS = 1_000
const DAY_MS = 86_400_000
/** Answers are that old at most. */
const FRESH_MS = 500
const TRACE_LINES_MAX = 2_000
const TAIL_MAX = 300
const TAIL_AGAIN_MAX = 100
const LATE_MS = 10_000
/** Where the newest line is looked for, the shortest span first. */
const NEWEST_WITHIN_MS = [300_000, 3_600_000, DAY_MS, 31 * DAY_MS]

/** VictoriaLogs as the source of the page. What it has is counted there; this process keeps a few lines. */
export class VictoriaLogs implements Source {
  readonly files: undefined = undefined
  readonly clock: () => number
  readonly ready: Promise<void>
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #lines: EngineLines
  readonly #places = new LinePlaces()
  readonly #facts: EngineFacts
  readonly #state: EngineState
  readonly #minutes: ServiceMinutes
  readonly #judge: EngineHealth
  readonly #views: EngineViews
  readonly #calls: EngineCalls
  readonly #newest = new OnceAtATime<number | undefined>(FRESH_MS)
  readonly #health = new OnceAtATime<Health>(FRESH_MS)
  readonly #tailRead = new OnceAtATime<void>(FRESH_MS)
  readonly #tail: Journal
  #tailTo = 0
  #lastHealth: Health | undefined
  #totals: LineTotals = NO_LINES
  #missing = ''
  #isHasty = false
  #thresholds: Thresholds = DEFAULT_THRESHOLDS

  constructor(address: EngineAddress, declared: Declared = UNDECLARED, clock: () => number = Date.now) {
    this.clock = clock
    this.#client = new EngineClient(address)
    this.#fields = engineFields(declared)
    this.#lines = new EngineLines(declared, this.#client.shown)
    this.#facts = new EngineFacts(this.#client, this.#fields, this.#lines, clock)
    this.#state = new EngineState(this.#client, clock)
    this.#minutes = new ServiceMinutes(this.#client, this.#fields)
    this.#judge = new EngineHealth(this.#client, this.#fields, this.#facts, this.#minutes, clock())
    this.#tail = new Journal(clock)
    this.#views = new EngineViews(this.#client, this.#fields, this.#lines, this.#places, this.#facts, this.#state)
    this.#calls = new EngineCalls(this.#client, this.#fields, this.#lines, this.#facts)
    this.ready = Promise.resolve()
  }

  /**
   * Asks for the version, and whether queries are understood.
   *
   * @throws EngineError if they are not
   */
  async connect(): Promise<void> {
    this.#state.version = await this.#client.version()
    await this.#newestAt()
    this.#state.answered()
  }

  judgeBy(thresholds: Thresholds): void {
    this.#thresholds = thresholds
  }

  async health(): Promise<Health> {
    const health = await this.#health.get('', async () => {
      try {
        const judged = await this.#judged()
        this.#state.answered()
        this.#lastHealth = judged
        return judged
      } catch (error) {
        this.#state.failed(error)
        return this.#healthBefore()
      }
    })
    return { ...health, engine: this.#state.json }
  }

  async #judged(): Promise<Health> {
    const now = this.clock()
    const newest = await this.#newestAt()
    const isHasty = this.#isHasty
    this.#isHasty = false
    await this.#facts.readTo(now, newest ?? now, isHasty)
    const missing = this.#client.missing.join()
    if (missing !== this.#missing) this.#minutes.forget()
    this.#missing = missing
    const waitingOf = async (): Promise<Waiting> => {
      const [counted] = newest === undefined ? [] : await this.#client.rows('* | stats count() as n')
      const probes = Math.max(this.#totals.probes, this.#facts.probes.size)
      return engineWaiting(this.#state, { ...this.#totals, lines: Number(counted?.['n'] ?? 0), probes })
    }
    return await this.#judge.at(now, newest, this.#thresholds, [...this.#facts.probes], waitingOf, isHasty)
  }

  /** The last verdict, as of then. Without one there is none. */
  #healthBefore(): Health {
    const before = this.#lastHealth
    if (before === undefined || before.state === 'waiting') {
      const effect = { requests: 0, failures: 0, degraded: 0, services: [] }
      const verdict = {
        state: 'waiting',
        since: undefined,
        asOf: undefined,
        cause: undefined,
        effect,
        services: [],
      } as const
      return healthJson(verdict, engineWaiting(this.#state, this.#totals))
    }
    const at = new Date(this.#state.answeredAt ?? this.clock()).toISOString()
    return {
      ...before,
      as_of: before.as_of ?? at,
      services: before.services.map((service) => ({ ...service, as_of: service.as_of ?? at })),
    }
  }

  async hits(view: View, selection: Selection): Promise<readonly Column[]> {
    return await this.#views.hits(await this.#rangeOf(view), selection)
  }

  async stats(view: View, selection: Selection, rowsMax?: number): Promise<Parts> {
    const health = await this.health()
    try {
      const newest = await this.#newestAt()
      const range = this.#views.rangeOf(view, newest, this.clock())
      const parts = await this.#views.stats(range, selection, health, newest, this.clock(), rowsMax)
      if (this.#state.json.state !== 'unreachable') this.#state.answered()
      this.#totals = this.#views.totals
      return { ...parts, engine: this.#state.json }
    } catch (error) {
      // The verdict may just have been answered, but these figures were not.
      this.#state.failed(error)
      return this.#views.before(view, selection, { ...health, engine: this.#state.json }, this.clock())
    }
  }

  async calls(view: View, signal: AbortSignal): Promise<CallsAt> {
    const range = await this.#rangeOf(view)
    return await this.#calls.get(range, this.clock(), this.#thresholds, () => this.health(), signal)
  }

  async totals(range: Range | undefined): Promise<Summary> {
    const time = range === undefined ? '*' : timeFilter(range.from, range.to)
    const now = this.clock()
    await this.#facts.readTo(now, (await this.#newestAt()) ?? now)
    const [{ cells, tally, isFolded }, events, [counted]] = await Promise.all([
      countRange(this.#client, this.#fields, range, this.#facts.hopServices),
      this.#views.eventsOf(range),
      this.#client.rows(`${time} | stats count() as n`),
    ])
    this.#state.isFolded = isFolded
    this.#state.answered()
    const lines = Number(counted?.['n'] ?? 0)
    for (const { service, name, count } of events)
      tally.addMany('cells', cells.event(service, name), { count, known: 0, latencyMsSum: 0 }, 0)
    const summed = figures(tally, cells)
    const probes = summed.probes.requests
    const totals = { lines, requests: summed.requests, probes, linesPerSecond: this.#totals.linesPerSecond }
    return {
      ...summed,
      by_route: routesOf(tally, cells),
      breakers: this.#facts.events.breakers.all.map(breakerJson),
      lines: engineLines(lines),
      files: [engineFile(this.#state, totals)],
      progress: { read: 0, all: 0 },
      engine: this.#state.json,
    }
  }

  async search(options: SearchOptions): Promise<SearchEnd> {
    return await searchEngine(this.#client, this.#fields, this.#lines, this.#places, options, this.clock())
  }

  async tail(selection: Selection, afterId: number): Promise<readonly TailLine[]> {
    await this.#tailRead.get('', () => this.#readTail()).catch((error: unknown) => this.#state.failed(error))
    return this.#tail.tail.items.filter((line) => line.id > afterId && includes(selection, line)).map(tailJson)
  }

  async #readTail(): Promise<void> {
    const now = this.clock()
    const isFirst = this.#tailTo === 0
    // The clock may have been set back.
    const from = isFirst ? ((await this.#newestAt()) ?? now) - DAY_MS : Math.min(this.#tailTo, now) - LATE_MS
    const rows = await this.#client.rows(`${timeFilter(from, now + DAY_MS)} *`, {
      limit: isFirst ? TAIL_MAX : TAIL_AGAIN_MAX,
    })
    const found = rows.flatMap((row) => {
      if (this.#places.isInTail(row)) return []
      const line = this.#lines.read(row)
      return line === undefined ? [] : [{ ...line, at: timeOf(line, row), row }]
    })
    for (const { line, service, at, row } of found.sort((a, b) => a.at - b.at))
      this.#tail.liveTail.add(at, line, service, this.#places.add(row, 'tail'))
    this.#tailTo = now
  }

  async trace(id: string, withFacts: boolean): Promise<Trace> {
    const rows = await this.#client.rows(`${this.#fields.trace}:=${quoted(id)}`, { limit: TRACE_LINES_MAX })
    const found = this.#lines.readAll(rows).toSorted((a, b) => (a.line.at ?? 0) - (b.line.at ?? 0))
    return {
      trace_id: id,
      lines: found.map(fieldsOf),
      is_partial: rows.length >= TRACE_LINES_MAX || this.#client.missing.length > 0,
      ...(withFacts ? { facts: found.map(factsOf) } : {}),
    }
  }

  async line(place: LineRef): Promise<OneLine | undefined> {
    const row = this.#places.get(place)
    const found = row === undefined ? undefined : this.#lines.read(row)
    return found === undefined ? undefined : { line: fieldsOf(found), facts: factsOf(found) }
  }

  openStream(): PageStream {
    this.#isHasty = true
    return new EngineStream(this)
  }

  async #rangeOf(view: View): Promise<Parts['range']> {
    return this.#views.rangeOf(view, await this.#newestAt(), this.clock())
  }

  /** The time of the newest line that is not ahead. */
  async #newestAt(): Promise<number | undefined> {
    return await this.#newest.get('', async () => {
      const now = this.clock()
      for (const within of [...NEWEST_WITHIN_MS, now]) {
        const time = timeFilter(now - within, now + 5 * SECOND_MS + 1)
        const [row] = await this.#client.rows(`${time} * | stats max(_time) as newest`)
        const newest = Date.parse(row?.['newest'] ?? '')
        if (!Number.isNaN(newest)) return newest
      }
      return undefined
    })
  }
}
