import type { ServerResponse } from 'node:http'
import { type Calls, shownCalls } from '../report/calls.ts'
import { RANGES } from '../report/ranges.ts'
import { ENTRIES, type Selection } from '../report/selection.ts'
import type { Column } from '../report/view.ts'
import { CLIENTS_MAX, messageOf, type PageStream } from '../server/stream.ts'
import { Unsent } from '../server/unsent.ts'
import type { Source, View } from '../source/source.ts'
import { EngineError } from './engine-error.ts'

/** How often the engine is asked, at most. */
const TICK_MS = 1_000
/** A view that takes longer to compute is computed less often, so that it takes at most a fifth of the time. */
const PAUSE_PER_MS = 4
/** The longest time without a message. An idle connection may be closed on its way. */
const IDLE_MS_MAX = 10_000
const UNSENT_BYTES_MAX = 262_144

interface Client {
  readonly response: ServerResponse
  /** The last version sent of each part. */
  readonly parts: Map<string, string>
  /** The last version sent of each column, by its time. */
  readonly columns: Map<number, string>
  isNew: boolean
  tailId: number
  stepMs: number
  /** When it was last sent something, by the clock of the process. */
  lastMs: number
  readonly unsent: Unsent
}

/** Pages that show the same. */
interface Group {
  readonly wanted: View
  readonly selection: Selection
  readonly clients: Set<Client>
  timer: NodeJS.Timeout | undefined
  /** Who calls whom; undefined until the engine has told it. */
  calls: Calls | undefined
  /** Cancels the question for it; undefined without one. */
  asking: AbortController | undefined
}

type EngineSource = Pick<Source, 'hits' | 'stats' | 'calls' | 'tail' | 'clock'>

const NOTHING_ASKED = { timer: undefined, calls: undefined, asking: undefined }

/** Sends what an engine says to pages. The engine is asked once for all pages that show the same. */
export class EngineStream implements PageStream {
  readonly #source: EngineSource
  readonly #groups = new Map<string, Group>()
  #isClosed = false

  constructor(source: EngineSource) {
    this.#source = source
  }

  add(response: ServerResponse, wanted: View, selection: Selection = ENTRIES): boolean {
    const count = [...this.#groups.values()].reduce((sum, { clients }) => sum + clients.size, 0)
    if (count >= CLIENTS_MAX || (typeof wanted === 'number' && !RANGES.has(wanted))) return false
    const client: Client = {
      response,
      parts: new Map(),
      columns: new Map(),
      isNew: true,
      tailId: 0,
      stepMs: 0,
      lastMs: 0,
      unsent: new Unsent(),
    }
    const key = JSON.stringify([wanted, selection])
    const known = this.#groups.get(key)
    const group: Group = known ?? { wanted, selection, clients: new Set(), ...NOTHING_ASKED }
    this.#groups.set(key, group)
    group.clients.add(client)
    const leave = (): void => {
      group.clients.delete(client)
      if (group.clients.size === 0) group.asking?.abort()
    }
    response.on('close', leave)
    response.on('error', leave)
    // A new page need not wait for the next turn. One that is being computed is for it too.
    if (known === undefined || group.timer !== undefined) {
      clearTimeout(group.timer)
      group.timer = undefined
      void this.#run(key, group)
    }
    return true
  }

  close(): void {
    this.#isClosed = true
    for (const { clients, timer, asking } of this.#groups.values()) {
      clearTimeout(timer)
      asking?.abort()
      for (const { response } of clients) response.end()
    }
    this.#groups.clear()
  }

  async #run(key: string, group: Group): Promise<void> {
    if (group.clients.size === 0) {
      this.#groups.delete(key)
      return
    }
    const startedMs = performance.now()
    try {
      const [parts, columns] = await Promise.all([
        this.#source.stats(group.wanted, group.selection),
        // Without an answer the page keeps the columns that it has.
        this.#source.hits(group.wanted, group.selection).catch(() => undefined),
      ])
      const { range } = parts
      const { calls } = group
      const texts = Object.entries(calls === undefined ? parts : { ...parts, calls }).map(
        ([name, part]) => [name, JSON.stringify(part)] as const,
      )
      for (const client of group.clients) await this.#send(client, group, range.stepMs, texts, columns)
      this.#askForCalls(group)
    } catch {
      // What the page has stays until the engine answers. A page without anything gets it then.
    }
    if (this.#isClosed) return
    const tookMs = performance.now() - startedMs
    group.timer = setTimeout(
      () => {
        group.timer = undefined
        void this.#run(key, group)
      },
      Math.max(TICK_MS - tookMs, tookMs * PAUSE_PER_MS),
    )
  }

  /** Asks in the background, after the figures: they must not wait for it. The page has it after the next turn. */
  #askForCalls(group: Group): void {
    if (this.#isClosed || group.asking !== undefined || group.clients.size === 0) return
    const asking = new AbortController()
    group.asking = asking
    const ask = async (): Promise<void> => {
      try {
        const { calls, sample } = await this.#source.calls(group.wanted, asking.signal)
        group.calls = { ...shownCalls(calls), ...(sample === undefined ? {} : { sample }) }
      } catch (error) {
        // What the page has stays, with the reason why there is nothing newer.
        if (error instanceof EngineError)
          group.calls = { ...(group.calls ?? { calls: [], more: 0 }), problem: error.message }
      } finally {
        if (group.asking === asking) group.asking = undefined
      }
    }
    void ask()
  }

  async #send(
    client: Client,
    { selection }: Group,
    stepMs: number,
    parts: readonly (readonly [name: string, json: string])[],
    columns: readonly Column[] | undefined,
  ): Promise<void> {
    // A slow client gets what it lacks once its buffer is empty.
    const { writableLength } = client.response
    if (client.unsent.isStuck(writableLength, performance.now())) client.response.destroy()
    if (writableLength > UNSENT_BYTES_MAX || client.response.destroyed) return
    const oldest = columns?.[0]?.[0] ?? 0
    const shown = new Set(columns?.map(([at]) => at))
    const isGone = columns !== undefined && [...client.columns.keys()].some((at) => at >= oldest && !shown.has(at))
    // A page only adds columns, and those of another width do not fit to those that it has.
    if (client.stepMs !== stepMs || isGone) Object.assign(client, { isNew: true, stepMs })
    if (client.isNew) {
      client.parts.clear()
      client.columns.clear()
    }
    const changed = parts.filter(([name, json]) => client.parts.get(name) !== json)
    for (const [name, json] of changed) client.parts.set(name, json)
    const fresh = (columns ?? []).filter((column) => client.columns.get(column[0]) !== JSON.stringify(column))
    for (const column of fresh) client.columns.set(column[0], JSON.stringify(column))
    for (const at of client.columns.keys()) if (at < oldest) client.columns.delete(at)
    const tail = await this.#source.tail(selection, client.isNew ? 0 : client.tailId)
    client.tailId = Math.max(client.tailId, ...tail.map(({ id }) => id))
    const now = this.#source.clock()
    const nowMs = performance.now()
    const isIdle = changed.length + fresh.length + tail.length === 0 && nowMs - client.lastMs < IDLE_MS_MAX
    if (!client.isNew && isIdle) return
    client.lastMs = nowMs
    client.response.write(messageOf(client.isNew, now, changed, fresh, tail))
    client.isNew = false
  }
}
