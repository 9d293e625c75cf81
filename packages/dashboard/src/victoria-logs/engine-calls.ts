import { setImmediate as nextTurn } from 'node:timers/promises'
import { Services } from '../counts/watch/services.ts'
import { allCalls, type CallsAt, momentOf } from '../report/calls.ts'
import type { Health } from '../report/health.ts'
import type { Range } from '../report/summary.ts'
import type { Parts } from '../report/view.ts'
import { Permits } from '../search/permits.ts'
import { hashOf } from '../traces/trace-filter.ts'
import type { Thresholds } from '../verdict/thresholds.ts'
import type { EngineClient, Row } from './engine-client.ts'
import { EngineError } from './engine-error.ts'
import type { EngineFacts } from './engine-facts.ts'
import type { EngineFields } from './engine-fields.ts'
import { type EngineLines, timeOf } from './engine-line.ts'
import { quoted, timeFilter } from './logsql.ts'
import { SharedQuestions } from './shared-questions.ts'

/** The newest requests of a range that are read to find out which service calls which. */
const SAMPLE_MAX = 20_000
/** So many are read between two turns of the event loop: the figures must not wait for them. */
const ROWS_PER_TURN = 500
/** What the answer has at most: a few hundred characters for each request. */
const CHARACTERS_MAX = 32 * 1_048_576
/** Longer paths are no health checks, and nothing else needs them. */
const PATH_CHARACTERS_MAX = 64
const TIMEOUT_MS = 10_000
/** Answers are that old at most. */
const FRESH_MS = 5_000
/** The calls of a range that ended longer ago are asked for less often. */
const SETTLED_MS = 60_000
/** A line that is ahead by less belongs to now. */
const AHEAD_MS = 5_001
/** One sample is read at a time, so that one is in the memory. */
const RUNNING_MAX = 1
const WAITING_MAX = 64

/** Finds out which service calls which from the newest requests of a range, as it is found out from files. */
export class EngineCalls {
  readonly #client: EngineClient
  readonly #fields: EngineFields
  readonly #lines: EngineLines
  readonly #facts: EngineFacts
  readonly #permits = new Permits(RUNNING_MAX, WAITING_MAX)
  readonly #questions = new SharedQuestions<CallsAt>()

  constructor(client: EngineClient, fields: EngineFields, lines: EngineLines, facts: EngineFacts) {
    this.#client = client
    this.#fields = fields
    this.#lines = lines
    this.#facts = facts
  }

  /**
   * Returns the calls of a range.
   *
   * @throws EngineError if there is no whole answer
   * @throws the reason of the signal, once it is cancelled
   */
  async get(
    range: Parts['range'],
    now: number,
    thresholds: Thresholds,
    healthOf: () => Promise<Health>,
    signal: AbortSignal,
  ): Promise<CallsAt> {
    const key = JSON.stringify([range.isZoomed ? [range.from, range.to] : range.seconds, this.#client.missing])
    const keptMs = range.to < now - SETTLED_MS ? SETTLED_MS : FRESH_MS
    const ask = async (asked: AbortSignal): Promise<CallsAt> => {
      const release = await this.#permits.acquire(asked)
      if (release === undefined) throw new EngineError('busy', 'too many maps are asked for: try again in a moment')
      try {
        return await this.#ask(range, now, thresholds, healthOf, asked)
      } finally {
        release()
      }
    }
    return await this.#questions.get(key, keptMs, ask, signal)
  }

  async #ask(
    { from, to, isNow, isZoomed }: Parts['range'],
    now: number,
    thresholds: Thresholds,
    healthOf: () => Promise<Health>,
    signal: AbortSignal,
  ): Promise<CallsAt> {
    const end = isZoomed || !isNow ? Math.min(to, now + AHEAD_MS) : now + AHEAD_MS
    // It also reads the breakers and the names of shields.
    const health = await healthOf()
    const rows = await this.#client.rows(this.#query({ from, to: end }), {
      limit: SAMPLE_MAX,
      signal,
      timeoutMs: TIMEOUT_MS,
      charactersMax: CHARACTERS_MAX,
    })
    const { services, oldest } = await this.#read(rows, now, signal)
    const isWhole = rows.length < SAMPLE_MAX
    const since = isWhole ? from : oldest
    // The verdict is about now. The calls of a range that was chosen in a chart are as of its end.
    const moment = isZoomed ? Math.min(momentOf(health, now), to) : momentOf(health, now)
    const { events } = this.#facts
    // A shield may be named after a service without a request in the range.
    for (const { name } of health.services) services.watch(name)
    for (const { caller, shield } of events.services.namedShields)
      services.addShield(services.watch(caller.name), shield)
    const facts = { services, breakers: events.breakers.all, since }
    return {
      at: new Date(moment).toISOString(),
      calls: allCalls(facts, health, moment, thresholds),
      sample: {
        requests: rows.length,
        is_whole: isWhole,
        is_partial: this.#client.missing.length > 0,
        from: new Date(since).toISOString(),
        to: new Date(Math.min(end, now)).toISOString(),
      },
    }
  }

  /** Asks for what tells of calls only. */
  #query({ from, to }: Range): string {
    const { event, request, service, trace, span, parent, status, latency, method, route, path } = this.#fields
    const wanted = ['_time', event, 'event', service, trace, span, parent, status, latency, method, route, path]
    const shortened = [route, path].map(
      (field) => `replace_regexp (${quoted(`(?s)^(.{${PATH_CHARACTERS_MAX}}).+$`)}, "$1") at ${field}`,
    )
    return [
      `${timeFilter(from, to)} ${request} (${trace}:* or ${span}:* or ${parent}:*)`,
      `fields ${[...new Set(wanted)].join(', ')}`,
      ...shortened,
    ].join(' | ')
  }

  async #read(
    rows: readonly Row[],
    now: number,
    signal: AbortSignal,
  ): Promise<{ readonly services: Services; readonly oldest: number }> {
    const services = new Services()
    const found: { readonly row: Row; readonly at: number }[] = []
    for (const row of rows) {
      const at = Date.parse(row['_time'] ?? '')
      if (!Number.isNaN(at)) found.push({ row, at })
    }
    // The line of a called service comes before the line of its caller.
    found.sort((a, b) => a.at - b.at)
    for (const [index, { row }] of found.entries()) {
      if (index % ROWS_PER_TURN === 0) {
        await nextTurn()
        signal.throwIfAborted()
      }
      const read = this.#lines.read({ log_level: 'info', ...row })
      if (read === undefined) continue
      const { line, service } = read
      const at = timeOf(read, row)
      // Nothing counts these requests: their cell is never looked at.
      services.add(line, service, at, at, now, false, line.traceId === undefined ? undefined : hashOf(line.traceId), 0)
    }
    return { services, oldest: found[0]?.at ?? now }
  }
}
