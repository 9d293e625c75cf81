import { keepOpen } from '../../core/engine/discard.ts'
import { ownTimers } from '../../core/system-time.ts'
import { type BodyOwner, BodyStream, type ResponseBody } from './body-stream.ts'
import { withBody } from './response-copy.ts'
import { releaseUnread } from './unread-body.ts'
import { WatchedBody } from './watched-body.ts'

// A response of `fetch` is delivered as it is. It gets another prototype, whose methods read the body and report its end.

/** The watched body, on the response. */
const BODY: unique symbol = Symbol('escudo.body')

type Watched = Response & { [BODY]?: WatchedBody }

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
  ;(response as Watched)[BODY] = body
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
type Native = Readonly<Record<string, (this: Response) => Promise<unknown>>>

function makePrototype(response: Response): Response {
  const native = response as unknown as Native
  const body = getterOf<Response['body']>(response, 'body')
  const bodyUsed = getterOf<boolean>(response, 'bodyUsed')

  function read(watched: Watched, method: string, decode: (chunks: Chunks) => unknown): Promise<unknown> {
    const body = watched[BODY]
    return body?.unread ? body.read(decode) : other(watched, method)
  }

  async function other(watched: Watched, method: string): Promise<unknown> {
    return await native[method]?.call(copyOf(watched) ?? watched)
  }

  const methods = {
    get body() {
      const watched = this as unknown as Watched
      return body.call(copyOf(watched) ?? watched)
    },
    get bodyUsed() {
      const watched = this as unknown as Watched
      return bodyUsed.call(watched[BODY]?.hasCopy ? (copyOf(watched) as Response) : watched)
    },
    clone(this: Watched) {
      return copyOf(this)?.clone() ?? response.clone.call(this)
    },
    json(this: Watched) {
      return read(this, 'json', jsonOf)
    },
    text(this: Watched) {
      return read(this, 'text', textOf)
    },
    arrayBuffer(this: Watched) {
      return read(this, 'arrayBuffer', bufferOf)
    },
    bytes(this: Watched) {
      return read(this, 'bytes', bytesOf)
    },
    blob(this: Watched) {
      return other(this, 'blob')
    },
    formData(this: Watched) {
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

function getterOf<T>(prototype: Response, name: keyof Response): (this: Response) => T {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as () => T
}

/** The copy whose body is read in place of that of the response. Undefined if the body is read without one. */
function copyOf(watched: Watched): Response | undefined {
  const body = watched[BODY]
  return body !== undefined && (body.hasCopy || body.unread) ? body.copied().response : undefined
}

const decoder = new TextDecoder()

function textOf(chunks: Chunks): string {
  return decoder.decode(chunks.length === 1 ? chunks[0] : bytesOf(chunks))
}

function jsonOf(chunks: Chunks): unknown {
  return JSON.parse(textOf(chunks))
}

function bufferOf(chunks: Chunks): ArrayBuffer {
  return bytesOf(chunks).buffer
}

function bytesOf(chunks: Chunks): Uint8Array<ArrayBuffer> {
  let length = 0
  for (const chunk of chunks) length += chunk.byteLength
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

// Bodies that were delivered a moment ago. One timer serves all.
let delivered: WatchedBody[] = []

/** Reads a body ahead if its caller does not read it soon: a small body ends without a reader. */
function copySoon(body: WatchedBody): void {
  delivered.push(body)
  if (delivered.length > 1) return
  ownTimers()?.set(() => {
    const bodies = delivered
    delivered = []
    for (const each of bodies) if (each.unread) releaseUnread(each.copied().body, undefined)
  }, 0)
}
