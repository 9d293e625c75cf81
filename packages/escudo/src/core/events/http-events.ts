import { reportOnce } from './events.ts'

/** A request that a server adapter starts to serve. */
export interface ServerRequest {
  /** The method as the client sent it: any text. */
  readonly method: string
}

/** How a served request ended. */
export interface ServerRequestEnd {
  readonly durationMs: number
  /** The pattern of the route, such as `/items/:id`; null if no route matched. */
  readonly route: string | null
  /** The status in the log: 499 if the client disconnected before the answer was sent. */
  readonly status: number
  /** The code of the error in the answer; undefined without an error. */
  readonly errorCode: string | undefined
  readonly errorKind: 'business' | 'technical' | undefined
  /** The trace id of a sampled trace; undefined for others, because they cannot be looked up. */
  readonly traceId: string | undefined
}

/** Work that is no HTTP request: a message of a queue, a job. */
export interface Work {
  readonly name: string
}

/** How work ended. */
export interface WorkEnd {
  readonly durationMs: number
  /** The code of its error; undefined without an error. */
  readonly errorCode: string | undefined
  readonly errorKind: 'business' | 'technical' | undefined
  readonly traceId: string | undefined
}

/** One attempt of a request to a dependency. */
export interface ClientRequest {
  readonly method: string
  readonly url: URL
}

/** How an attempt ended: with its body read, with its body cancelled or broken off, or without an answer. */
export interface ClientRequestEnd {
  readonly durationMs: number
  /** The status of the answer; undefined without an answer. */
  readonly status: number | undefined
  /**
   * The status as text, from 400 on; `timeout`; `aborted`; or the kind of failure, such as `refused` or `dns`.
   * Undefined after a success.
   */
  readonly errorType: string | undefined
  readonly traceId: string | undefined
}

/** Watches HTTP requests. If a watcher throws, this is reported once, and the request is not affected. */
export interface HttpWatcher {
  /** A server adapter received a request. The function that it returns is called once, when the request has ended. */
  readonly served?: (request: ServerRequest) => (end: ServerRequestEnd) => void
  /** Work that is no request has begun. The function that it returns is called once, when the work has ended. */
  readonly worked?: (work: Work) => (end: WorkEnd) => void
  /** An attempt is about to be sent. The function that it returns is called once, when the attempt has ended. */
  readonly sent?: (request: ClientRequest) => (end: ClientRequestEnd) => void
}

// Replaced and never mutated, as in events.ts.
let watchers: readonly HttpWatcher[] = []

/**
 * Watches every request that this process serves or sends through escudo.
 *
 * @returns a function that stops watching
 */
export function watchHttp(watcher: HttpWatcher): () => void {
  // Copied, so that the same watcher may be added twice.
  const added = { ...watcher }
  watchers = [...watchers, added]
  return () => {
    watchers = watchers.filter((other) => other !== added)
  }
}

/** Whether there is a watcher. If not, what it would be told need not be built. */
export function isHttpWatched(): boolean {
  return watchers.length > 0
}

/**
 * Reports that a request is served.
 *
 * @returns a function to call when the request ends. It notifies only the watchers that were notified of the start, so
 * that one which counts up also counts down. Undefined without watchers: then no object is built
 */
export function watchServed(request: ServerRequest): ((end: ServerRequestEnd) => void) | undefined {
  return watchers.length === 0
    ? undefined
    : startAll(
        watchers.map(({ served }) => served),
        request,
      )
}

/** Reports that work begins. Returns a function for its end, as {@link watchServed} does. */
export function watchWorked(work: Work): ((end: WorkEnd) => void) | undefined {
  return watchers.length === 0
    ? undefined
    : startAll(
        watchers.map(({ worked }) => worked),
        work,
      )
}

/** Reports that an attempt is sent. Returns a function for its end, as {@link watchServed} does. */
export function watchSent(request: ClientRequest): ((end: ClientRequestEnd) => void) | undefined {
  return watchers.length === 0
    ? undefined
    : startAll(
        watchers.map(({ sent }) => sent),
        request,
      )
}

function startAll<Start, End>(
  starts: readonly (((request: Start) => (end: End) => void) | undefined)[],
  request: Start,
): (end: End) => void {
  if (starts.length === 1) return startOne(starts[0], request)
  const ends: (() => void)[] = []
  let ended: End | undefined
  for (const start of starts) {
    if (start === undefined) continue
    guarded(start, () => {
      const end = start(request)
      ends.push(() => guarded(start, () => end(ended as End)))
    })
  }
  return (end) => {
    ended ??= end
    for (const notifyEnd of ends.splice(0)) notifyEnd()
  }
}

/** As `startAll`, for the usual case: one watcher. Every request pays for it. */
function startOne<Start, End>(
  start: ((request: Start) => (end: End) => void) | undefined,
  request: Start,
): (end: End) => void {
  let notifyEnd: ((end: End) => void) | undefined
  try {
    notifyEnd = start?.(request)
  } catch (error) {
    reportOnce(start as object, error)
  }
  return (ended) => {
    const notify = notifyEnd
    notifyEnd = undefined
    try {
      notify?.(ended)
    } catch (error) {
      reportOnce(start as object, error)
    }
  }
}

/** Runs code of a watcher. An error in it is reported once per watcher function. */
function guarded(start: object, body: () => void): void {
  try {
    body()
  } catch (error) {
    reportOnce(start, error)
  }
}
