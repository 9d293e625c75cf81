import type { ServerResponse } from 'node:http'
import { QueryError, rangeOfQuery } from '../server/query.ts'
import { type Continued, Cursors } from './cursors.ts'
import type { Progress, SearchEnd, SearchOptions } from './history.ts'
import { Permits } from './permits.ts'
import { problemText } from './problem-text.ts'
import { queryOf, type Term } from './query.ts'
import type { SearchLine } from './search-line.ts'

const LIMIT_DEFAULT = 100
const LIMIT_MAX = 500
/** An answer that is sent as a whole comes after this time at the latest, with what was found. */
const WHOLE_MS_MAX = 10_000
/** A stream ends after this time, and can be continued. */
const STREAM_MS_MAX = 600_000
/** A client that does not read does not make the server collect lines. */
const UNSENT_BYTES_MAX = 1_048_576

/** Searches the history of a source. */
export type Search = (options: SearchOptions) => Promise<SearchEnd>

/** What `GET /api/search` returns. */
export interface Found {
  /** The newest first. */
  readonly lines: readonly SearchLine[]
  /** The `cursor` to continue with; null if all files were searched. */
  readonly next: string | null
  /** Whether a file was truncated or closed during the search. */
  readonly is_partial: boolean
}

/** A line of `GET /api/search/stream`: found lines, the progress, and at last the end. */
export type StreamedSearch =
  | { readonly lines: readonly SearchLine[] }
  | { readonly progress: Progress }
  | { readonly end: Omit<Found, 'lines'> }

interface Asked {
  readonly text: string
  readonly terms: readonly Term[]
  readonly limit: number
  readonly continued: Continued | undefined
}

/** Answers searches over HTTP. A search ends when its client disconnects. */
export class SearchServer {
  readonly #source: Search
  readonly #clock: () => number
  readonly #cursors = new Cursors()
  readonly #permits = new Permits()
  readonly #running = new Set<AbortController>()

  /** `clock` is the reader's clock. */
  constructor(search: Search, clock: () => number) {
    this.#source = search
    this.#clock = clock
  }

  /**
   * Answers with all found lines at once; undefined if too many searches wait.
   *
   * @throws QueryError for a query that makes no sense
   */
  async whole(query: URLSearchParams, response: ServerResponse): Promise<Found | undefined> {
    const asked = this.#asked(query)
    const signal = this.#signalOf(response)
    const release = await this.#permits.acquire(signal)
    if (release === undefined) return undefined
    const lines: SearchLine[] = []
    try {
      const end = await this.#search(asked, signal, WHOLE_MS_MAX, (line) => lines.push(line))
      return { lines, ...end }
    } finally {
      release()
    }
  }

  /**
   * Sends lines and the progress as they come, one JSON object per line. Returns false if too many searches wait.
   *
   * @throws QueryError for a query that makes no sense
   */
  async stream(query: URLSearchParams, response: ServerResponse, headers: Headers): Promise<boolean> {
    const asked = this.#asked(query)
    const signal = this.#signalOf(response)
    const release = await this.#permits.acquire(signal)
    if (release === undefined) return false
    try {
      response.writeHead(200, { ...headers, 'content-type': 'application/x-ndjson; charset=utf-8' })
      response.flushHeaders()
      let lines: SearchLine[] = []
      const send = (message: StreamedSearch): void => void response.write(`${JSON.stringify(message)}\n`)
      const flush = (): void => {
        if (lines.length > 0) send({ lines })
        lines = []
      }
      const end = await this.#search(
        asked,
        signal,
        STREAM_MS_MAX,
        (line) => lines.push(line),
        (progress) => {
          flush()
          if (response.writableLength < UNSENT_BYTES_MAX) send({ progress })
        },
      )
      flush()
      send({ end })
      response.end()
      return true
    } finally {
      release()
    }
  }

  /** Cancels all searches, also those that wait. */
  close(): void {
    for (const controller of this.#running) controller.abort()
  }

  async #search(
    { text, terms, limit, continued }: Asked,
    signal: AbortSignal,
    timeoutMs: number,
    onLine: (line: SearchLine) => void,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<Omit<Found, 'lines'>> {
    const from = continued?.positions
    const { next, isPartial } = await this.#source({
      terms,
      limit,
      from,
      signal,
      timeoutMs,
      onLine,
      onProgress,
    })
    const cursor = next === undefined ? null : this.#cursors.add({ text, terms, positions: next })
    return { next: cursor, is_partial: isPartial }
  }

  #asked(query: URLSearchParams): Asked {
    const limit = query.get('limit') ?? String(LIMIT_DEFAULT)
    if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > LIMIT_MAX)
      throw new QueryError(`\`limit\` must be 1 to ${LIMIT_MAX}`)
    const text = query.get('q') ?? undefined
    const cursor = query.get('cursor')
    const continued = cursor === null ? undefined : this.#cursors.get(cursor)
    if (continued !== undefined && (text === undefined || text === continued.text))
      return { text: continued.text, terms: continued.terms, limit: Number(limit), continued }
    if (cursor !== null) throw new QueryError('`cursor` is unknown or of another query: search again')
    const now = this.#clock()
    const range = rangeOfQuery(query, now)
    const { terms, problem } = queryOf(text ?? '', now)
    if (problem !== undefined) throw new QueryError(problemText(problem))
    const bounds = range === undefined ? [] : [bound('from', range.from), bound('to', range.to)]
    return { text: text ?? '', terms: [...terms, ...bounds], limit: Number(limit), continued }
  }

  /** Returns a signal that is cancelled when the client disconnects, and by `close`. */
  #signalOf(response: ServerResponse): AbortSignal {
    const controller = new AbortController()
    if (response.destroyed) controller.abort()
    else this.#running.add(controller)
    response.once('close', () => {
      this.#running.delete(controller)
      controller.abort()
    })
    return controller.signal
  }
}

function bound(name: 'from' | 'to', at: number): Term {
  return { name, operator: ':', value: String(at), number: at, isNegated: false }
}

type Headers = Readonly<Record<string, string>>
