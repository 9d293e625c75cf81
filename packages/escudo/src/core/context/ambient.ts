/** What one request carries through the code that serves it. Bound by a server adapter; read by logger and client. */
export interface Ambient {
  /** 32 lowercase hexadecimal digits. */
  readonly traceId: string
  /** 16 lowercase hexadecimal digits: this service's own part of the trace. */
  readonly spanId: string
  /** The span of whoever called us, where there is one. */
  readonly parentSpanId?: string | undefined
  /** W3C trace flags, 0 to 255; bit 0 means sampled. */
  readonly traceFlags: number
  /** W3C `tracestate`, as it came. */
  readonly traceState?: string | undefined
  /** W3C `baggage`, as it came. */
  readonly baggage?: string | undefined
  /** The language of messages for this request: `es`, `en`. */
  readonly locale?: string | undefined
  /** Fields that every log line of this request carries. */
  readonly bindings?: Readonly<Record<string, unknown>> | undefined
}

/** The part of `AsyncLocalStorage` that escudo uses. */
export interface Storage<T> {
  getStore(): T | undefined
  run<R>(store: T | undefined, body: () => R): R
}

/**
 * A storage that follows asynchronous calls, where the runtime has one, else undefined. It is looked up at run time,
 * so that the library also loads where `node:async_hooks` does not exist.
 */
export function asyncStorage<T>(): Storage<T> | undefined {
  const host = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  const hooks = host.process?.getBuiltinModule?.('node:async_hooks') as
    | { AsyncLocalStorage: new () => Storage<T> }
    | undefined
  return hooks === undefined ? undefined : new hooks.AsyncLocalStorage()
}

const storage = asyncStorage<Ambient>()

/** The context in which the library was loaded: in it nobody's storage holds anything of a request. */
const outside = snapshot()

function snapshot(): (<R>(body: () => R) => R) | undefined {
  const host = globalThis as { process?: { getBuiltinModule?: (id: string) => unknown } }
  const hooks = host.process?.getBuiltinModule?.('node:async_hooks') as
    | { AsyncLocalStorage: { snapshot?: () => <R>(body: () => R) => R } }
    | undefined
  return hooks?.AsyncLocalStorage.snapshot?.()
}

/** The context of the request that is being served, or undefined outside of one. */
export function ambient(): Ambient | undefined {
  return storage?.getStore()
}

/**
 * Runs `body` in a context; everything that it starts sees the context too. With undefined it runs outside of any:
 * for timers that outlive the request that happened to set them. That holds for everybody's storages, not only for this
 * one: what is told because such a timer fires must not be told in the name of another request.
 */
export function withAmbient<R>(context: Ambient | undefined, body: () => R): R {
  if (context === undefined && outside !== undefined) return outside(body)
  return storage === undefined ? body() : storage.run(context, body)
}
