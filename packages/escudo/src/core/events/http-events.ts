import { reportOnce } from './events.ts'

/** A request that a server adapter begins to serve. */
export interface ServerRequest {
  /** As it was sent: anything that a client can write. */
  readonly method: string
}

/** How a served request ended. */
export interface ServerRequestEnd {
  readonly durationMs: number
  /** The pattern of the route, `/items/:id`; null where none served it. */
  readonly route: string | null
  /** What the log says: 499 for a client that went away before its answer was sent. */
  readonly status: number
  /** Of the error that was answered; undefined where none was. */
  readonly errorCode: string | undefined
  readonly errorKind: 'business' | 'technical' | undefined
  /** The trace, where it is sampled: what cannot be looked up is no example. */
  readonly traceId: string | undefined
}

/** One attempt of a request to a dependency. */
export interface ClientRequest {
  readonly method: string
  readonly url: URL
}

/** How an attempt ended: with its body read, cancelled or cut, or without an answer. */
export interface ClientRequestEnd {
  readonly durationMs: number
  /** Undefined where no answer came. */
  readonly status: number | undefined
  /** The status as text from 400 on; `timeout`, `aborted`, or the failure's own word. Undefined when all went well. */
  readonly errorType: string | undefined
  readonly traceId: string | undefined
}

/** Who wants to know of HTTP requests. What a watcher throws is reported once, and reaches no request. */
export interface HttpWatcher {
  /** A request has come. What it returns is called once, when the request is over. */
  readonly served?: (request: ServerRequest) => (end: ServerRequestEnd) => void
  /** An attempt is about to be sent. What it returns is called once, when the attempt is over. */
  readonly sent?: (request: ClientRequest) => (end: ClientRequestEnd) => void
}

// Replaced and never changed, as in events.ts.
let watchers: readonly HttpWatcher[] = []

/** Hears of every request that is served or sent through escudo in this process. Returns the function that ends it. */
export function watchHttp(watcher: HttpWatcher): () => void {
  const own = { ...watcher }
  watchers = [...watchers, own]
  return () => {
    watchers = watchers.filter((one) => one !== own)
  }
}

/**
 * Begins to watch a request that is served. Undefined when nobody watches: then nothing is built, now or at the end.
 * The end goes to those who heard of the beginning, so that what one counts up it also counts down.
 */
export function watchServed(request: ServerRequest): ((end: ServerRequestEnd) => void) | undefined {
  return watchers.length === 0
    ? undefined
    : joined(
        watchers.map(({ served }) => served),
        request,
      )
}

/** The same for an attempt that is sent. */
export function watchSent(request: ClientRequest): ((end: ClientRequestEnd) => void) | undefined {
  return watchers.length === 0
    ? undefined
    : joined(
        watchers.map(({ sent }) => sent),
        request,
      )
}

function joined<Begin, End>(
  begins: readonly (((request: Begin) => (end: End) => void) | undefined)[],
  request: Begin,
): (end: End) => void {
  const ends: (() => void)[] = []
  let ended: End | undefined
  for (const begin of begins) {
    if (begin === undefined) continue
    guarded(begin, () => {
      const end = begin(request)
      ends.push(() => guarded(begin, () => end(ended as End)))
    })
  }
  return (end) => {
    ended ??= end
    for (const tell of ends.splice(0)) tell()
  }
}

/** What goes wrong in a watcher stays with it, and is reported once for each. */
function guarded(begin: object, body: () => void): void {
  try {
    body()
  } catch (error) {
    reportOnce(begin, error)
  }
}
