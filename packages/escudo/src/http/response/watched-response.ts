import { keepOpen } from '../../core/engine/discard.ts'
import { hidden } from '../../core/hidden-state.ts'
import { ownTimers } from '../../core/system-time.ts'
import { joinChunks } from '../joined-chunks.ts'
import { type BodyOwner, BodyStream, type ResponseBody } from './body-stream.ts'
import { withBody } from './response-copy.ts'
import { releaseUnread } from './unread-body.ts'
import { WatchedBody } from './watched-body.ts'

// A response of `fetch` is delivered as it is. It gets another prototype, whose methods read the body and report its end.

// In a private field: a program that lists or copies the keys of a response finds those of `fetch`.
const watchedBodies = hidden<Response, WatchedBody>()

/** A response for the caller. */
export interface Delivered {
  readonly response: Response
  /** Undefined if the response has no body. */
  readonly body: ResponseBody | undefined
  /** The response, as soon as its body has ended. Rejects as the body does. */
  readonly whenRead: Response | Promise<Response>
}

/** Makes the response for the caller from that of `fetch`. */
export function deliver(response: Response, owner: BodyOwner): Delivered {
  const source = response.body
  if (source == null) return { response, body: undefined, whenRead: response }
  if (!canBeWatched(response)) {
    const body = new BodyStream(source, owner)
    const copy = withBody(response, body.stream)
    // The caller reads it, whatever the policies do with it.
    keepOpen(copy)
    return { response: copy, body, whenRead: body.finished.then(() => copy) }
  }
  const body = new WatchedBody(response, source, owner)
  Object.setPrototypeOf(response, watchedPrototype())
  watchedBodies.set(response, body)
  copySoon(body)
  return { response, body, whenRead: body.finished }
}

/**
 * Whether a response is one that the `fetch` of Node made.
 *
 * Other runtimes serve a Response themselves, and read its body without its methods. A response that a program made may
 * have any stream as its body.
 */
function canBeWatched(response: Response): boolean {
  return (
    NODE &&
    typeof Response === 'function' &&
    Object.getPrototypeOf(response) === Response.prototype &&
    response.type !== 'default' &&
    ownTimers() !== undefined
  )
}

const NODE = isNode((globalThis as { process?: { versions?: Record<string, unknown> } }).process?.versions)

function isNode(versions: Record<string, unknown> | undefined): boolean {
  return versions?.['undici'] !== undefined && versions['bun'] === undefined && versions['deno'] === undefined
}

let prototype: Response | undefined
let prototypeOf: Response | undefined

// Made at the first response: to read the global `Response` loads Node's `fetch`.
function watchedPrototype(): Response {
  if (prototype === undefined || prototypeOf !== Response.prototype) {
    prototypeOf = Response.prototype
    prototype = makePrototype(prototypeOf)
  }
  return prototype
}

type Chunks = readonly Uint8Array[]
type Methods = Readonly<Record<string, (this: unknown) => Promise<unknown>>>

/** The methods that read a body as a whole, from its chunks. */
const WHOLE = ['json', 'text', 'arrayBuffer', 'bytes'] as const
type Whole = (typeof WHOLE)[number]

function makePrototype(response: Response): Response {
  const current = response as unknown as Methods
  const native = nativeMethods(current)

  function read(watched: unknown, method: Whole, decode: (chunks: Chunks) => unknown): Promise<unknown> {
    const body = bodyOf(watched)
    // A program may replace a method of all responses, for example in a test.
    return body?.unread && current[method] === native[method] ? body.read(decode) : other(watched, method)
  }

  async function other(watched: unknown, method: string): Promise<unknown> {
    return await current[method]?.call(copyOf(watched) ?? watched)
  }

  const methods = {
    get body(): unknown {
      return Reflect.get(response, 'body', copyOf(this) ?? this)
    },
    get bodyUsed(): unknown {
      return Reflect.get(response, 'bodyUsed', bodyOf(this)?.hasCopy ? copyOf(this) : this)
    },
    clone(this: Response) {
      return copyOf(this)?.clone() ?? response.clone.call(this)
    },
    json() {
      return read(this, 'json', jsonOf)
    },
    text() {
      return read(this, 'text', textOf)
    },
    arrayBuffer() {
      return read(this, 'arrayBuffer', bufferOf)
    },
    bytes() {
      return read(this, 'bytes', joinChunks)
    },
    blob() {
      return other(this, 'blob')
    },
    formData() {
      return other(this, 'formData')
    },
  }
  const made = Object.create(response) as Response
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    // Node 20 has no `bytes`.
    if (name in response) Object.defineProperty(made, name, descriptor)
  }
  // The caller reads it, whatever the policies do with it.
  keepOpen(made)
  return made
}

/** The methods of the runtime. One that a program has replaced already is missing. */
function nativeMethods(current: Methods): Partial<Record<Whole, unknown>> {
  // The runtime writes these methods once for Request and Response, so their sources are equal.
  const twin = Request.prototype as unknown as Methods
  return Object.fromEntries(
    WHOLE.map((method) => [method, String(current[method]) === String(twin[method]) ? current[method] : undefined]),
  )
}

function bodyOf(watched: unknown): WatchedBody | undefined {
  return typeof watched === 'object' && watched !== null ? watchedBodies.of(watched as Response) : undefined
}

/** The copy whose body is read in place of that of the response. Undefined if the body is read without one. */
function copyOf(watched: unknown): Response | undefined {
  const body = bodyOf(watched)
  return body !== undefined && (body.hasCopy || body.unread) ? body.copied().response : undefined
}

const decoder = new TextDecoder()

function textOf(chunks: Chunks): string {
  return decoder.decode(chunks.length === 1 ? chunks[0] : joinChunks(chunks))
}

function jsonOf(chunks: Chunks): unknown {
  return JSON.parse(textOf(chunks))
}

function bufferOf(chunks: Chunks): ArrayBuffer {
  return joinChunks(chunks).buffer
}

// Bodies that were delivered a moment ago. One timer serves all.
let delivered: WatchedBody[] = []

/**
 * Reads a body ahead if its caller does not read it soon: a small body ends without a reader. From then on its reader has
 * to use the methods of the response itself, because those of `Response.prototype` find it locked.
 */
function copySoon(body: WatchedBody): void {
  delivered.push(body)
  if (delivered.length > 1) return
  ownTimers()?.set(() => {
    const bodies = delivered
    delivered = []
    for (const each of bodies) {
      if (each.unread) releaseUnread(each.copied().body, undefined)
      else if (each.isTaken) each.follow()
    }
  }, 0)
}
