import { types } from 'node:util'

/** Classes whose contents are not for a log: bodies, handles, and what has no fields. */
const OPAQUE: ReadonlySet<string> = new Set([
  'AbortController',
  'AbortSignal',
  'AsyncGenerator',
  'Blob',
  'CryptoKey',
  'File',
  'Generator',
  'MessagePort',
  'Promise',
  'ReadableStream',
  'Request',
  'Response',
  'TransformStream',
  'WeakMap',
  'WeakRef',
  'WeakSet',
  'WebSocket',
  'WritableStream',
])

/** The kind of an object that is not written, such as `[Buffer, 5 bytes]`; undefined for others. */
export function kindOf(value: object): string | undefined {
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return `[${className(value)}, ${value.byteLength} bytes]`
  }
  const tag = tagOf(value)
  if (OPAQUE.has(tag)) return `[${tag}]`
  const { pipe, on, destroy } = value as { readonly pipe?: unknown; readonly on?: unknown; readonly destroy?: unknown }
  // Node's streams, sockets, requests, servers and agents: their fields are buffers and handles.
  const isHandle = typeof on === 'function' && (typeof pipe === 'function' || typeof destroy === 'function')
  return isHandle ? `[${className(value)}]` : undefined
}

/** The text of a date, a URL or a pattern; undefined for other objects. */
export function textOf(value: object): string | undefined {
  if (types.isDate(value))
    return Number.isNaN(value.getTime()) ? '[Invalid Date]' : Date.prototype.toISOString.call(value)
  if (types.isRegExp(value)) return String(value)
  const tag = tagOf(value)
  if (tag === 'URL') return String(value)
  // With its `?`, so that it is redacted as a query.
  return tag === 'URLSearchParams' ? `?${String(value)}` : undefined
}

/**
 * The first entries of a map, headers or a form; undefined for others. A repeated key has the list of its values.
 */
export function entriesOf(value: object, countMax: number): Iterable<readonly [string, unknown]> | undefined {
  const tag = tagOf(value)
  if (!types.isMap(value) && tag !== 'Headers' && tag !== 'FormData') return undefined
  const entries = new Map<string, unknown[]>()
  let count = 0
  for (const [key, item] of value as Iterable<readonly [unknown, unknown]>) {
    if (++count > countMax) break
    const name = typeof key === 'object' || typeof key === 'function' ? `[${typeof key}]` : String(key)
    const items = entries.get(name)
    if (items === undefined) entries.set(name, [item])
    else items.push(item)
  }
  return [...entries].map(([key, items]) => [key, items.length === 1 ? items[0] : items] as const)
}

/** Whether an object is an Error, also one of another realm. */
export function isErrorLike(value: object): boolean {
  return types.isNativeError(value) || value instanceof Error
}

/** What is written of an error: its type, message and stack, the fields that were added to it, and its causes. */
export function* errorEntries(error: object): Iterable<readonly [string, unknown]> {
  const written = new Set(['type', 'name', 'message', 'stack', 'cause', 'errors'])
  const name = read(error, 'name')
  yield ['type', typeof name === 'string' && name !== '' ? name : className(error)]
  yield ['message', read(error, 'message')]
  yield ['stack', read(error, 'stack')]
  for (const key of Object.keys(error)) if (!written.has(key)) yield [key, read(error, key)]
  yield ['errors', read(error, 'errors')]
  yield ['cause', read(error, 'cause')]
}

function read(value: object, key: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>>)[key]
  } catch {
    return '[unreadable]'
  }
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function className(value: object): string {
  const name = (value as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' ? name.slice(0, 64) : tagOf(value)
}
