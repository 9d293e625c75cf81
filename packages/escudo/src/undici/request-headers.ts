import type { Dispatcher } from 'undici'
import type { HeaderSink } from '../http/request/plain-headers.ts'

export type HeadersOption = Dispatcher.DispatchOptions['headers']

// undici refuses a request with any other byte in a header. An inbound value may hold one.
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** The headers of a request as undici takes them: an object, a flat list of names and values, or any iterable of pairs. */
export class RequestHeaders {
  declare private readonly given: readonly unknown[] | Readonly<Record<string, unknown>> | undefined

  constructor(given: HeadersOption) {
    // An iterator can be read only once, and each attempt reads the headers again.
    this.given = isIterable(given) && !Array.isArray(given) ? [...given].flat(1) : (given ?? undefined)
  }

  /** Whether the caller has set a header. The name is in lower case. */
  has(name: string): boolean {
    const { given } = this
    if (given === undefined) return false
    if (!Array.isArray(given)) {
      const object = given as Readonly<Record<string, unknown>>
      for (const key in object) if (isSame(key, name) && object[key] !== undefined) return true
      return false
    }
    for (let index = 0; index < given.length; index += 2) if (isSame(given[index], name)) return true
    return false
  }

  /** Returns the same headers, and the added ones. */
  with(added: readonly string[]): HeadersOption {
    const { given } = this
    if (added.length === 0) return given as HeadersOption
    if (given === undefined) return added as string[]
    if (Array.isArray(given)) return [...given, ...added]
    const headers: Record<string, unknown> = { ...given }
    for (let index = 0; index < added.length; index += 2) headers[added[index] as string] = added[index + 1]
    return headers as HeadersOption
  }
}

/** Returns headers of {@link RequestHeaders.with} with another `traceparent`. The caller has set none. */
export function withTraceparent(headers: HeadersOption, traceparent: string): HeadersOption {
  if (headers === undefined || headers === null) return ['traceparent', traceparent]
  if (!Array.isArray(headers)) return { ...(headers as Record<string, string>), traceparent }
  const list = [...(headers as string[])]
  for (let index = list.length - 2; index >= 0; index -= 2) {
    if (list[index] !== 'traceparent') continue
    list[index + 1] = traceparent
    return list
  }
  return [...list, 'traceparent', traceparent]
}

/** Collects the headers that an attempt adds to those of its caller. */
export class AddedHeaders implements HeaderSink {
  /** Names and values, alternating. */
  readonly list: string[] = []
  readonly #caller: RequestHeaders

  constructor(caller: RequestHeaders) {
    this.#caller = caller
  }

  has(name: string): boolean {
    return this.#caller.has(name)
  }

  set(name: string, value: string): void {
    if (!HEADER_VALUE.test(value)) throw new TypeError(`invalid value of the header ${name}`)
    this.list.push(name, value)
  }
}

function isSame(key: unknown, name: string): boolean {
  return typeof key === 'string' && key.length === name.length && key.toLowerCase() === name
}

function isIterable(headers: HeadersOption): headers is Iterable<[string, string | string[] | undefined]> {
  return typeof headers === 'object' && headers !== null && Symbol.iterator in headers
}
