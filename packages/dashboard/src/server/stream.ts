import type { ServerResponse } from 'node:http'
import type { TailLine } from '../journal/journal.ts'
import type { LogFiles } from '../journal/log-files.ts'
import { RANGES } from '../report/ranges.ts'
import { type Column, columnsOf, type Parts, partsOf, rangeOf } from '../report/view.ts'

/** Four times a second. */
const TICK_MS = 250
/** A connection that says nothing for this long may be taken for dead on its way. */
const SILENCE_MS_MAX = 10_000
/** What may wait for a client. One that is further behind gets a fresh snapshot once it has caught up. */
const WAITING_BYTES_MAX = 262_144
/** New lines of the tail in one message; of more, the newest. */
const TAIL_PER_TICK_MAX = 100

/** The most pages that are fed at once. */
export const CLIENTS_MAX = 64

interface Client {
  readonly response: ServerResponse
  readonly seconds: number
  /** What it was sent last, part by part. */
  readonly sent: Map<string, string>
  revision: number
  tailId: number
  lastMs: number
  withdrawals: number
  isBehind: boolean
}

/** What a client has that was sent nothing yet. */
const FRESH = { revision: 0, tailId: 0, lastMs: 0, withdrawals: 0 }

interface View {
  readonly parts: ReadonlyMap<string, string>
  readonly range: Parts['range']
}

/** Feeds pages by server-sent events: first a snapshot, then what has changed. */
export class Stream {
  readonly #files: LogFiles
  readonly #clients = new Set<Client>()
  readonly #now: () => number
  #timer: NodeJS.Timeout | undefined

  constructor(files: LogFiles, now: () => number = Date.now) {
    this.#files = files
    this.#now = now
  }

  /** How many pages are fed. */
  get clients(): number {
    return this.#clients.size
  }

  /** Feeds a page; false when there are too many. `seconds` is one of {@link RANGES}. */
  add(response: ServerResponse, seconds: number): boolean {
    if (this.#clients.size >= CLIENTS_MAX || !RANGES.has(seconds)) return false
    const client: Client = { response, seconds, sent: new Map(), ...FRESH, isBehind: false }
    this.#clients.add(client)
    response.on('close', () => this.#remove(client))
    response.on('error', () => this.#remove(client))
    this.#feed(client, this.#view(seconds))
    this.#timer ??= setInterval(() => this.tick(), TICK_MS)
    return true
  }

  /** Sends every page what has changed for it. */
  tick(): void {
    const views = new Map<number, View>()
    const clients = [...this.#clients].filter((client) => this.#isReady(client))
    for (const client of clients) {
      let view = views.get(client.seconds)
      if (view === undefined) {
        view = this.#view(client.seconds)
        views.set(client.seconds, view)
      }
      this.#feed(client, view)
    }
  }

  /** Ends all connections. */
  close(): void {
    for (const client of this.#clients) client.response.end()
  }

  #isReady(client: Client): boolean {
    if (client.response.writableLength > WAITING_BYTES_MAX) client.isBehind = true
    const isWrong = client.withdrawals !== this.#files.journal.withdrawals
    if (!client.isBehind && !isWrong) return true
    if (client.isBehind && client.response.writableLength > 0) return false
    client.isBehind = false
    client.sent.clear()
    Object.assign(client, FRESH)
    return true
  }

  #view(seconds: number): View {
    const range = rangeOf(this.#files, seconds, this.#now())
    const parts = new Map(
      Object.entries(partsOf(this.#files, range)).map(([name, part]) => [name, JSON.stringify(part)]),
    )
    return { parts, range }
  }

  #feed(client: Client, view: View): void {
    const isSnapshot = client.revision === 0
    const moved = [...view.parts].filter(([name, part]) => client.sent.get(name) !== part)
    for (const [name, part] of moved) client.sent.set(name, part)
    const columns = columnsOf(this.#files, view.range, client.revision)
    const tail = this.#tailAfter(client.tailId)
    const { journal, timelines } = this.#files
    client.revision = journal.revision
    client.tailId = journal.newestTailId
    client.withdrawals = journal.withdrawals
    // Slots that change from now on carry a higher revision than all that was sent.
    journal.raise(timelines)
    const now = this.#now()
    if (
      !isSnapshot &&
      moved.length === 0 &&
      columns.length === 0 &&
      tail.length === 0 &&
      now - client.lastMs < SILENCE_MS_MAX
    ) {
      return
    }
    client.lastMs = now
    const fields = moved.map(([name, part]) => `${JSON.stringify(name)}:${part}`)
    fields.push(`"now":${now}`, ...lists(columns, tail, isSnapshot))
    client.response.write(`event: ${isSnapshot ? 'snapshot' : 'delta'}\ndata: {${fields.join(',')}}\n\n`)
  }

  #tailAfter(id: number): readonly TailLine[] {
    const { tail, newestTailId } = this.#files.journal
    if (id === newestTailId) return []
    const fresh = tail.items.filter((line) => line.id > id)
    return id === 0 ? fresh : fresh.slice(-TAIL_PER_TICK_MAX)
  }

  #remove(client: Client): void {
    this.#clients.delete(client)
    if (this.#clients.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function lists(columns: readonly Column[], tail: readonly TailLine[], isSnapshot: boolean): readonly string[] {
  const fields: string[] = []
  if (isSnapshot || columns.length > 0) fields.push(`"columns":${JSON.stringify(columns)}`)
  if (isSnapshot || tail.length > 0) fields.push(`"tail":${JSON.stringify(tail)}`)
  return fields
}
