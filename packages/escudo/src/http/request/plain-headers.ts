/** Headers as an object of text, as they are on the wire. `fetch` reads them as they are: no Headers is needed. */
export type PlainHeaders = Record<string, string>

/** The headers of a request that is built. `set` throws for a value that no header may contain. */
export type HeaderSink = Pick<Headers, 'has' | 'set'>

/** Whether headers are a plain object. Its values are text, also that of a header named `set`. */
export function isPlain(headers: HeaderSink | PlainHeaders): headers is PlainHeaders {
  return typeof headers.set !== 'function'
}

// RFC 9110, 5.6.2.
const NAME = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
// Values that `fetch` neither refuses nor changes.
const VALUE = /^[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?$/

/** Copies headers that are an object with valid names and text. Undefined for all others. */
export function plainHeaders(given: NonNullable<RequestInit['headers']>): PlainHeaders | undefined {
  if (typeof given !== 'object' || given === null || Symbol.iterator in given) return undefined
  // `fetch` refuses them.
  if (Object.getOwnPropertySymbols(given).length > 0) return undefined
  const headers: PlainHeaders = {}
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'string' || !NAME.test(name) || !VALUE.test(value)) return undefined
    // The name `__proto__` is lost, as in `fetch`.
    headers[name] = value
  }
  return headers
}

/** Whether a header is set, in any case of its letters. */
export function hasHeader(headers: HeaderSink | PlainHeaders, name: string): boolean {
  if (!isPlain(headers)) return headers.has(name)
  for (const key in headers) {
    if (key.length === name.length && key.toLowerCase() === name.toLowerCase()) return true
  }
  return false
}

/** Adds a header unless it is set. Returns whether it was added. */
export function addHeader(headers: HeaderSink | PlainHeaders, name: string, value: string): boolean {
  if (hasHeader(headers, name)) return false
  if (isPlain(headers)) {
    headers[name] = value
    return true
  }
  try {
    headers.set(name, value)
    return true
  } catch {
    // An inbound value may hold bytes that a header must not contain. The call goes on without that header.
    return false
  }
}

/** Sets a header whose name is in lower case, and which the caller has not set in another case. */
export function setHeader(headers: HeaderSink | PlainHeaders, name: string, value: string): void {
  if (isPlain(headers)) headers[name] = value
  else headers.set(name, value)
}
