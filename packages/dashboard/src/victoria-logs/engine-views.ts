import { Cells } from '../counts/cells.ts'
import { Tally } from '../counts/tally.ts'
import { barsOf } from '../report/bars.ts'
import { latestErrors, tracesOf } from '../report/errors.ts'
import type { Health } from '../report/health.ts'
import { lanesOf } from '../report/lanes.ts'
import { ANSWERED, ENTRIES, EVERYTHING, type Selection } from '../report/selection.ts'
import { beforeOf, figures, type Range } from '../report/summary.ts'
import { answeredBy, type Sum } from '../report/sums.ts'
import { BARS_MAX, tablesOf } from '../report/tables.ts'
import { type Column, type Parts, rangeOf, zoomedRangeOf } from '../report/view.ts'
import type { View } from '../source/source.ts'
import type { EngineClient } from './engine-client.ts'
import { columnsBetween, type EventRow, eventsBetween, trendsBetween } from './engine-columns.ts'
import { countRange, type RangeCounts } from './engine-counts.ts'
import { errorsBetween, newestErrors } from './engine-errors.ts'
import type { EngineFacts } from './engine-facts.ts'
import type { EngineFields } from './engine-fields.ts'
import type { EngineLines } from './engine-line.ts'
import { refusalsBetween } from './engine-refusals.ts'
import { engineLines, engineSources, type LineTotals, NO_LINES } from './engine-source-json.ts'
import type { EngineState } from './engine-state.ts'
import type { LinePlaces } from './line-places.ts'
import { timeFilter } from './logsql.ts'
import { OnceAtATime } from './once-at-a-time.ts'

const ROWS_MAX = 50
const FRESH_MS = 500
/** The span before a range changes slowly. */
const BEFORE_FRESH_MS = 15_000
/** Columns that ended longer ago are asked for again after this time only. */
const SETTLED_MS = 15_000
const AGAIN_MS = 60_000
const KEPT_MAX = 64
const WHOLE: Range = { from: 0, to: 9_214_646_400_000 }

interface Counted extends RangeCounts {
  readonly events: readonly EventRow[]
  readonly lines: number
  /** The time of the first line, if there is none before the range. */
  readonly firstAt: number | undefined
}

interface Kept {
  readonly from: number
  readonly columns: ReadonlyMap<number, Column>
  readonly countedTo: number
  readonly wholeMs: number
}

/** Computes what a page shows from what the engine counts. */
export class EngineViews {
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #lines: EngineLines
  readonly #places: LinePlaces
  readonly #facts: EngineFacts
  readonly #state: EngineState
  readonly #counted = new OnceAtATime<Counted>(FRESH_MS)
  readonly #before = new OnceAtATime<RangeCounts>(BEFORE_FRESH_MS)
  readonly #causes = new OnceAtATime<Parts['causes']>(5_000)
  readonly #columns = new Map<string, Kept>()
  readonly #parts = new Map<string, Parts>()
  #missing = ''
  /** What was counted in the last answer. */
  totals: LineTotals = NO_LINES

  constructor(
    client: EngineClient,
    fields: EngineFields,
    lines: EngineLines,
    places: LinePlaces,
    facts: EngineFacts,
    state: EngineState,
  ) {
    this.#client = client
    this.#fields = fields
    this.#lines = lines
    this.#places = places
    this.#facts = facts
    this.#state = state
  }

  /** Returns the range of a view. Without new lines, it ends at the newest one. */
  rangeOf(view: View, newest: number | undefined, now: number): Parts['range'] {
    if (typeof view !== 'number') return zoomedRangeOf({ timelines: [] }, view)
    return rangeOf({ timelines: newest === undefined ? [] : [{ newest }] }, view, now)
  }

  /** Counts the events of policies, of all time without a range. */
  async eventsOf(range: Range | undefined): Promise<readonly EventRow[]> {
    return await eventsBetween(this.#client, this.#fields, range ?? WHOLE, 86_400_000)
  }

  /** Returns the columns of a range. Of those that were counted before, only the newest are counted again. */
  async hits(range: Parts['range'], selection: Selection): Promise<readonly Column[]> {
    const { events } = await this.#countedIn(range)
    this.#forgetIfChanged()
    const { from, to, stepMs } = range
    const { hopServices } = this.#facts
    const probes = [...this.#facts.probes]
    const key = JSON.stringify([
      stepMs,
      range.isZoomed ? [from, to] : range.seconds,
      selection,
      [...hopServices],
      probes,
    ])
    const kept = this.#columns.get(key)
    const isFresh = kept !== undefined && from >= kept.from && performance.now() - kept.wholeMs < AGAIN_MS
    const begin = isFresh
      ? Math.max(from, Math.floor((Math.min(kept.countedTo, to) - SETTLED_MS) / stepMs) * stepMs)
      : from
    const counted = await columnsBetween(
      this.#client,
      this.#fields,
      { from: begin, to },
      stepMs,
      selection,
      { probes, hopServices },
      events.filter(({ at }) => at >= begin),
    )
    const settled = isFresh ? [...kept.columns.values()].filter(([at]) => at >= from && at < begin) : []
    const columns = [...settled, ...counted]
    this.#columns.delete(key)
    this.#columns.set(key, {
      columns: new Map(columns.map((column) => [column[0], column])),
      from: isFresh ? kept.from : from,
      countedTo: to,
      wholeMs: isFresh ? kept.wholeMs : performance.now(),
    })
    for (const oldest of this.#columns.keys()) if (this.#columns.size > KEPT_MAX) this.#columns.delete(oldest)
    return columns
  }

  /** Returns all else that a page shows. */
  async stats(
    range: Parts['range'],
    selection: Selection,
    health: Health,
    newest: number | undefined,
    now: number,
    rowsMax: number = ROWS_MAX,
  ): Promise<Parts> {
    const before = { from: range.from - range.seconds * 1_000, to: range.from }
    const { hopServices } = this.#facts
    const [counted, earlier, errors, causes] = await Promise.all([
      this.#countedIn(range),
      this.#before.get(JSON.stringify([range.seconds, range.isZoomed ? before : 0, [...hopServices]]), () =>
        countRange(this.#client, this.#fields, before, hopServices),
      ),
      errorsBetween(this.#client, this.#fields, this.#lines, this.#places, range, selection, now, rowsMax),
      this.#causesOf(health, now),
    ])
    const { cells, tally, lines } = counted
    this.#state.isFolded = counted.isFolded
    const trends = await trendsBetween(this.#client, this.#fields, range, barsOf(range, BARS_MAX), cells)
    const all = new Tally()
    all.merge(tally)
    for (const { service, name, count } of counted.events)
      all.addMany('cells', cells.event(service, name), { count, known: 0, latencyMsSum: 0 }, 0)
    const answered = answeredBy(tally, cells)
    const everything = figures(all, cells, EVERYTHING)
    const begin = Math.max(range.from, counted.firstAt ?? range.from)
    const seconds = Math.max(1, (Math.min(range.to, Math.max(now, range.from)) - begin) / 1_000)
    this.totals = {
      lines,
      requests: everything.requests,
      probes: everything.probes.requests,
      linesPerSecond: lines / seconds,
    }
    const parts: Parts = {
      range,
      health,
      summary: { ...figures(all, cells, selection), lines: engineLines(lines) },
      before: beforeOf(earlier.tally, earlier.cells, selection),
      covered: Math.ceil(seconds),
      tables: tablesOf(tally, answered, trends, cells, range, selection, health, rowsMax),
      sources: engineSources(this.#state, this.totals),
      lanes: await this.#lanesOf(range, health, answered),
      errors: latestErrors(errors.journal, range, selection),
      groups: errors.groups,
      causes,
      progress: { read: 0, all: 0, newest: newest ?? null, localTimes: false },
    }
    this.#remember(range, selection, parts)
    return parts
  }

  /** Returns what was shown before the engine stopped answering; empty if there is nothing. */
  before(view: View, selection: Selection, health: Health, now: number): Parts {
    const range = this.rangeOf(view, undefined, now)
    const known = this.#parts.get(keyOf(range, selection))
    const sources = engineSources(this.#state, known === undefined ? NO_LINES : this.totals)
    const engine = this.#state.json
    if (known !== undefined) return { ...known, health, sources, engine }
    const [tally, cells] = [new Tally(), new Cells()]
    return {
      range,
      health,
      summary: { ...figures(tally, cells, selection), lines: engineLines(0) },
      before: beforeOf(tally, cells, selection),
      covered: 1,
      tables: tablesOf(tally, new Map(), [], cells, range, selection, health, ROWS_MAX),
      sources,
      lanes: [],
      errors: [],
      groups: { groups: [], more: 0 },
      causes: [],
      progress: { read: 0, all: 0, newest: null, localTimes: false },
      engine,
    }
  }

  async #countedIn(range: Parts['range']): Promise<Counted> {
    const key = JSON.stringify([range.from, range.to])
    return await this.#counted.get(key, async () => {
      const time = timeFilter(range.from, range.to)
      const [counts, events, [lines], earlier] = await Promise.all([
        countRange(this.#client, this.#fields, range, this.#facts.hopServices),
        eventsBetween(this.#client, this.#fields, range, range.stepMs),
        this.#client.rows(`${time} * | stats count() as n`),
        this.#client.rows(`${timeFilter(0, range.from)} * | limit 1 | fields _time`),
      ])
      const [first] = earlier.length > 0 ? [] : await this.#client.rows(`${time} * | stats min(_time) as first`)
      const firstAt = Date.parse(first?.['first'] ?? '')
      this.#facts.addProbes(counts.probes)
      return {
        ...counts,
        events,
        lines: Number(lines?.['n'] ?? 0),
        firstAt: Number.isNaN(firstAt) ? undefined : firstAt,
      }
    })
  }

  async #lanesOf(range: Parts['range'], health: Health, answered: ReadonlyMap<string, Sum>): Promise<Parts['lanes']> {
    const lanes = lanesOf({ journal: this.#facts.events }, range, health, answered)
    if (lanes.length === 0) return lanes
    const refusals = await refusalsBetween(this.#client, this.#fields, range)
    return lanes.map((lane, index) => {
      const isFirst =
        lanes.findIndex(({ service, shield }) => service === lane.service && shield === lane.shield) === index
      return { ...lane, refusals: refusals(lane.service, lane.shield, lane.policy, isFirst) }
    })
  }

  async #causesOf(health: Health, now: number): Promise<Parts['causes']> {
    const { cause } = health
    if (cause === null) return []
    return await this.#causes.get(cause.service, async () => {
      const range = { from: now - 3_600_000, to: now + 5_001 }
      const selection = { ...ANSWERED, service: cause.service }
      const journal = await newestErrors(this.#client, this.#fields, this.#lines, this.#places, range, selection, now)
      return tracesOf(journal.errorGroups, cause.service)
    })
  }

  /** With other storage nodes, columns that were counted before are no longer right. */
  #forgetIfChanged(): void {
    const missing = this.#client.missing.join()
    if (missing !== this.#missing) this.#columns.clear()
    this.#missing = missing
  }

  #remember(range: Parts['range'], selection: Selection, parts: Parts): void {
    const key = keyOf(range, selection)
    this.#parts.delete(key)
    this.#parts.set(key, parts)
    for (const oldest of this.#parts.keys()) if (this.#parts.size > KEPT_MAX) this.#parts.delete(oldest)
  }
}

function keyOf({ from, to, seconds, isZoomed }: Parts['range'], selection: Selection = ENTRIES): string {
  return JSON.stringify([isZoomed ? [from, to] : seconds, selection])
}
