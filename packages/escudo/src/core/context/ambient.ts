import { builtinModule } from '../builtin-module.ts'

/** The context of one request. A server adapter sets it; the logger and the HTTP client read it. */
export interface Ambient {
  /** 32 lowercase hexadecimal digits. */
  readonly traceId: string
  /** 16 lowercase hexadecimal digits: the span of this service within the trace. */
  readonly spanId: string
  /** The span of the calling service, if it sent one. */
  readonly parentSpanId?: string | undefined
  /** W3C trace flags, 0 to 255; bit 0 means sampled. */
  readonly traceFlags: number
  /** W3C `tracestate`, as received. */
  readonly traceState?: string | undefined
  /** W3C `baggage`, as received. */
  readonly baggage?: string | undefined
  /** When the request ends for its caller, in milliseconds on the system clock. Every shield inherits it. */
  readonly deadlineMs?: number | undefined
  /** The language of messages for this request: `es`, `en`. */
  readonly locale?: string | undefined
  /** Counts what shields do for this request. */
  readonly tally?: RequestTally | undefined
  /** Fields that every log line of this request carries. */
  readonly bindings?: Readonly<Record<string, unknown>> | undefined
  /** The span with the ids above, if a tracing system made it. */
  readonly span?: SpanScope | undefined
}

/** A span that code can run inside: the tracing system then regards it as the active one. */
export interface SpanScope {
  run<R>(body: () => R): R
}

/** Counts what shields do for one request, for its last log line. */
export interface RequestTally {
  /** An attempt failed, and another one follows. */
  countRetry(): void
  /** A shield answered with a substitute: a fallback's value, or a stale one. */
  countDegraded(shield: string): void
}

/** The part of `AsyncLocalStorage` that escudo uses. */
export interface Storage<T> {
  getStore(): T | undefined
  run<R, A extends readonly unknown[]>(store: T | undefined, body: (...args: A) => R, ...args: A): R
}

/** Creates a storage that follows asynchronous calls; undefined if the runtime has none. */
export function asyncStorage<T>(): Storage<T> | undefined {
  const hooks = builtinModule<{ AsyncLocalStorage: new () => Storage<T> }>('node:async_hooks')
  return hooks === undefined ? undefined : new hooks.AsyncLocalStorage()
}

const storage = asyncStorage<Ambient>()

/** An asynchronous context that was captured earlier: the contents of every `AsyncLocalStorage`. */
export interface CapturedContext {
  runInAsyncScope<R>(body: () => R): R
}

type ResourceClass = new (type: string, trigger?: number) => CapturedContext

const Resource = asyncResourceClass()

function asyncResourceClass(): ResourceClass | undefined {
  return builtinModule<{ AsyncResource: ResourceClass }>('node:async_hooks')?.AsyncResource
}

/** The id of the program itself. Only debuggers read it, and finding the right one doubles the cost of a resource. */
const TRIGGER = triggerId()

function triggerId(): number | undefined {
  try {
    if (Resource !== undefined) new Resource('escudo', 1)
    return 1
  } catch {
    // workerd accepts no number.
    return undefined
  }
}

/**
 * Captures the current asynchronous context; undefined if the runtime has none.
 *
 * With `AsyncResource`, because `AsyncLocalStorage.snapshot()` costs a hundred times as much.
 */
export function captureContext(): CapturedContext | undefined {
  return Resource === undefined ? undefined : new Resource('escudo', TRIGGER)
}

/** The context in which the library was loaded: there no storage contains data of a request. */
const outside = captureContext()

/** Returns the context of the current request, or undefined outside a request. */
export function ambient(): Ambient | undefined {
  return storage?.getStore()
}

/**
 * Runs `body` in a context, together with everything that it starts.
 *
 * With `undefined`, `body` runs outside any request and outside the context of every other `AsyncLocalStorage`. Use
 * this to set a timer that outlives the current request. Otherwise an event emitted by that timer would appear to
 * belong to the request that set it.
 */
export function withAmbient<R>(context: Ambient | undefined, body: () => R): R {
  if (context === undefined && outside !== undefined) return outside.runInAsyncScope(body)
  // Most of a request runs in its context already.
  if (storage === undefined || storage.getStore() === context) return body()
  const span = context?.span
  return span === undefined ? storage.run(context, body) : span.run(() => storage.run(context, body))
}
