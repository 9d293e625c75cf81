import type { ServerResponse } from 'node:http'
import type { TailLine } from '../journal/journal.ts'
import type { LogFiles } from '../journal/log-files.ts'
import { type Health, healthOf } from '../report/health.ts'
import { RANGES } from '../report/ranges.ts'
import { ENTRIES, includes, type Selection } from '../report/selection.ts'
import type { Range } from '../report/summary.ts'
import { tailJson } from '../report/tail-json.ts'
import { type Column, columnsOf, type Parts, partsOf, rangeOf, zoomedRangeOf } from '../report/view.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from '../verdict/thresholds.ts'
import { Unsent } from './unsent.ts'

/** Four times a second. */
const TICK_MS = 250
/** The longest time without a message. An idle connection may be closed on its way. */
const IDLE_MS_MAX = 10_000
/** The most unsent bytes per client. A client beyond it gets a fresh snapshot once its buffer is empty. */
const UNSENT_BYTES_MAX = 262_144
/** The most new tail lines in one message. The newest are sent. */
const TAIL_PER_TICK_MAX = 100

/** A view that takes longer to compute is computed less often, so that it takes at most this share of the time. */
const COSTLY_MS = 20
const BUSY_SHARE_MAX = 0.15

/** The most pages connected at the same time. */
export const CLIENTS_MAX = 64

interface Client {
  readonly response: ServerResponse
  /** A number of seconds until now, or a range that was chosen in a chart. */
  readonly wanted: number | Range
  /** The requests that the page is about. */
  readonly selection: Selection
  /** The last version sent of each part. */
  readonly sent: Map<string, string>
  revision: number
  tailId: number
  /** The width of the columns that it has. */
  stepMs: number
  /** When it was last sent something, by the clock of the process. */
  lastMs: number
  readonly unsent: Unsent
  isBehind: boolean
}

/** The state of a client that has received nothing. */
const NOTHING_SENT = { revision: 0, tailId: 0, lastMs: 0, stepMs: 0 }

interface View {
  readonly parts: ReadonlyMap<string, string>
  readonly range: Parts['range']
  readonly selection: Selection
  /** When it may be computed again, by the clock of the process. */
  readonly freshUntilMs: number
}

/** Sends data to pages as server-sent events: first a snapshot, then changes. */
export interface PageStream {
  /** Adds a page. Returns false for too many pages, or if its number of seconds is not one of {@link RANGES}. */
  readonly add: (response: ServerResponse, wanted: number | Range, selection?: Selection) => boolean
  /** Ends all connections. */
  readonly close: () => void
}

/** Sends what log files say. */
export class Stream implements PageStream {
  readonly #files: LogFiles
  readonly #clients = new Set<Client>()
  readonly #now: () => number
  readonly #thresholds: Thresholds
  readonly #processMs: () => number
  #timer: NodeJS.Timeout | undefined
  #views = new Map<string, View>()

  /** `now` is the reader's clock, which may be set back; `processMs` never is. */
  constructor(
    files: LogFiles,
    now: () => number = files.journal.clock,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    processMs: () => number = () => performance.now(),
  ) {
    this.#files = files
    this.#processMs = processMs
    this.#now = now
    this.#thresholds = thresholds
  }

  /** The number of connected pages. */
  get clients(): number {
    return this.#clients.size
  }

  /** Adds a page. Returns false for too many pages, or if its number of seconds is not one of {@link RANGES}. */
  add(response: ServerResponse, wanted: number | Range, selection: Selection = ENTRIES): boolean {
    if (this.#clients.size >= CLIENTS_MAX || (typeof wanted === 'number' && !RANGES.has(wanted))) return false
    const client: Client = {
      response,
      wanted,
      selection,
      sent: new Map(),
      ...NOTHING_SENT,
      unsent: new Unsent(),
      isBehind: false,
    }
    this.#clients.add(client)
    response.on('close', () => this.#remove(client))
    response.on('error', () => this.#remove(client))
    this.#send(client, this.#view(client, this.#health()))
    this.#timer ??= setInterval(() => this.tick(), TICK_MS)
    return true
  }

  /** Sends each page the changes since its last message. */
  tick(): void {
    const before = this.#views
    this.#views = new Map()
    let health: Health | undefined
    const clients = [...this.#clients].filter((client) => this.#isReady(client))
    for (const client of clients) {
      const key = keyOf(client)
      let view = this.#views.get(key) ?? before.get(key)
      if (view === undefined || (performance.now() >= view.freshUntilMs && !this.#views.has(key))) {
        health ??= this.#health()
        view = this.#view(client, health)
      }
      this.#views.set(key, view)
      this.#send(client, view)
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const client of this.#clients) client.response.end()
  }

  #isReady(client: Client): boolean {
    if (client.unsent.isStuck(client.response.writableLength, this.#processMs())) {
      client.response.destroy()
      return false
    }
    if (client.response.writableLength > UNSENT_BYTES_MAX) client.isBehind = true
    if (!client.isBehind) return true
    if (client.response.writableLength > 0) return false
    client.isBehind = false
    this.#forget(client)
    return true
  }

  /** The next message is a fresh snapshot. */
  #forget(client: Client): void {
    client.sent.clear()
    Object.assign(client, NOTHING_SENT)
  }

  #health(): Health {
    return healthOf(this.#files, this.#now(), this.#thresholds)
  }

  #view({ wanted, selection }: Client, health: Health): View {
    const startedMs = performance.now()
    const range =
      typeof wanted === 'number' ? rangeOf(this.#files, wanted, this.#now()) : zoomedRangeOf(this.#files, wanted)
    const all = partsOf(this.#files, range, health, selection, this.#now(), undefined, this.#thresholds)
    const parts = new Map(Object.entries(all).map(([name, part]) => [name, JSON.stringify(part)]))
    const endedMs = performance.now()
    const costMs = endedMs - startedMs
    return { parts, range, selection, freshUntilMs: costMs < COSTLY_MS ? 0 : endedMs + costMs / BUSY_SHARE_MAX }
  }

  #send(client: Client, view: View): void {
    // Columns of another width do not fit to those that the page has.
    if (client.revision > 0 && client.stepMs !== view.range.stepMs) this.#forget(client)
    client.stepMs = view.range.stepMs
    const isSnapshot = client.revision === 0
    const changed = [...view.parts].filter(([name, part]) => client.sent.get(name) !== part)
    for (const [name, part] of changed) client.sent.set(name, part)
    const columns = columnsOf(this.#files, view.range, client.revision, view.selection)
    const tail = this.#tailAfter(client.tailId, view.selection)
    const { journal, timelines } = this.#files
    client.revision = journal.revision
    client.tailId = journal.newestTailId
    // Later changes get a higher revision than anything sent so far.
    journal.raiseRevision(timelines)
    const [now, nowMs] = [this.#now(), this.#processMs()]
    if (
      !isSnapshot &&
      changed.length === 0 &&
      columns.length === 0 &&
      tail.length === 0 &&
      nowMs - client.lastMs < IDLE_MS_MAX
    ) {
      return
    }
    client.lastMs = nowMs
    client.response.write(messageOf(isSnapshot, now, changed, columns, tail))
  }

  #tailAfter(id: number, selection: Selection): readonly TailLine[] {
    const { tail, newestTailId } = this.#files.journal
    if (id === newestTailId) return []
    const fresh = tail.items.filter((line) => line.id > id && includes(selection, line))
    return (id === 0 ? fresh : fresh.slice(-TAIL_PER_TICK_MAX)).map(tailJson)
  }

  #remove(client: Client): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Writes a message for a page. A snapshot replaces all that the page has. */
export function messageOf(
  isSnapshot: boolean,
  now: number,
  parts: readonly (readonly [name: string, json: string])[],
  columns: readonly Column[],
  tail: readonly TailLine[],
): string {
  const fields = parts.map(([name, part]) => `${JSON.stringify(name)}:${part}`)
  fields.push(`"now":${now}`, ...lists(columns, tail, isSnapshot))
  return `event: ${isSnapshot ? 'snapshot' : 'delta'}\ndata: {${fields.join(',')}}\n\n`
}

function lists(columns: readonly Column[], tail: readonly TailLine[], isSnapshot: boolean): readonly string[] {
  const fields: string[] = []
  if (isSnapshot || columns.length > 0) fields.push(`"columns":${JSON.stringify(columns)}`)
  if (isSnapshot || tail.length > 0) fields.push(`"tail":${JSON.stringify(tail)}`)
  return fields
}

function keyOf({ wanted, selection }: Client): string {
  return JSON.stringify([wanted, selection])
}
